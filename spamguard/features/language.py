"""The language of a comment, by its script or its function words.

Function words (the, und, pas) make up a third of running text but are rare in
lists of goods, so they name a language and tell prose from keywords. A script
used by one language, or nearly so, names it alone; related languages share one
code (Devanagari is "hi", Hebrew letters are "he"). Short, mixed and garbled
text has no language: no answer is better than a wrong one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["count_languages", "is_known", "language_of", "languages_known", "name_of", "script_of"]

_HEAD, _TAIL = 200, 100  # words read: a foreign preface alone must not decide for a long comment
_LONGEST = 100  # characters read of a word: some scripts write no spaces
_LEAST_LETTERS = 10  # of the script: a few Han characters may be Japanese
_LEAST_WORDS = 3  # distinct function words
_LEAST_LONGER = 2  # of them with two letters or more: s p a c e d letters have none
_LEAST_SHARE = 0.15  # of function words among all words
_MARGIN = 1.4  # ratio between the votes of the best language and the next
_MAJORITY = 0.6  # of the letters in one script

# --- function words ---------------------------------------------------------------

_LATIN: Final = {
    "en": "the and is of to it that this with for was are have not but from they what there would about a in on at "
    "by be as an or if so we you i he she his her my your our their me us them him its it's i'm don't can't who which "
    "when where how why all any some no only also just than then out up more will can could should do does did has "
    "had been were am because very into over after before other these those here most much such too one get like",
    "de": "der die das und ist nicht ein eine ich auch mit sich auf dem den von wie wir noch aber oder zu es im für "
    "dass daß sind war hat haben sie wenn nur schon mehr sehr kann wird werden bei nach aus einen einem einer mir "
    "mich dir doch mal man so als was hier immer habe durch über diese dieser dieses ihr ihre mein sein zum zur vom",
    "fr": "le la les des est une et dans pour que qui pas avec sur je vous nous plus mais cette ce sont du de un il "
    "elle en ne se au aux par ou où son sa ses mon ma mes tout très bien comme fait être avoir si c'est j'ai n'est "
    "d'un d'une qu'il merci suis ont été peut même aussi leur votre notre ça cela alors donc y a quand sans moi on",
    "es": "el los las una es y en por que con para como pero más este muy lo se del al su la de un no me mi yo tu si "
    "sí esta esto está son ha hay fue ser todo todos también cuando donde sin sobre entre porque qué ya les nos te le "
    "tengo tiene gracias bien así desde hasta eso esa ese mucho algo solo sólo sus he hace puede",
    "pt": "o os uma é e em por que com para como mas mais este muito não um do da na você isso de a as no nos das dos "
    "se eu ele ela me meu minha seu sua foi ser está são tem ter há já também quando onde sem sobre porque só até "
    "pelo pela ao à isto esse essa esta aqui obrigado tudo bem ou nem depois ainda pra num numa estou vou",
    "it": "il gli una è e di per che con come ma più questo molto non sono della nel anche ho la le lo i un in del "
    "dei delle al alla da dal dalla si mi ti ci se sei ha hai hanno era essere fare fatto quando dove perché però "
    "così tutto tutti solo già ancora senza su sul sulla questa quello quella mio mia tuo suo sua grazie ed o cosa",
    "nl": "de het een en van is dat niet met voor zijn op te maar ook aan er wat deze wel ik je jij hij ze zij we wij "
    "in om als dan dit die naar bij nog uit kan was heeft heb hebben had worden wordt door over zo geen mijn zou "
    "hier daar hoe veel meer al moet moeten waar omdat heel goed alleen mij u uw ons onze",
    "pl": "nie jest się na to w z i że jak do co ale tak za od po już dla tego o a czy ma są przez przy tylko jestem "
    "był była było być może można tym ten ta te go mnie mi jej jego ich oraz lub bardzo też jeszcze bo gdy kiedy "
    "gdzie który która które nas pod bez nad więc wszystko mam masz sobie dzięki no",
    "cs": "je se na to v a že jak do co ale tak za od po už pro o s z i si by jsem jsou není byl byla bylo být nebo "
    "jen který která které když kde ve ze aby tento tato toto mi mě mně jsme jste také ještě protože má mám máte "
    "velmi moc bez před při nic něco jako podle mezi té tom tady díky jeho její u k",
    "sk": "je sa na to v a že ako do čo ale tak za od po už pre o s z i si by som sú nie bol bola bolo byť alebo len "
    "ktorý ktorá ktoré keď kde vo zo aby tento táto toto mi ma mňa sme ste tiež ešte pretože má mám máte veľmi bez "
    "pred pri nič niečo podľa medzi tej tom tu vďaka jeho jej u k iba tým aj",
    "sl": "je se na to v in da kako do kaj ali tako za od po že o s z si bi sem so ni bil bila bilo biti samo ki ko "
    "kjer ta tega mi me smo ste tudi še ker ima imam imate zelo brez pred pri nič nekaj med ti tem tukaj hvala "
    "njegov njen pa ne lahko kot več vse iz le nas jih kar kdor sta ga če",
    "hr": "je se na to u i da kako do što ali tako za od po već o s iz si bi sam su nije bio bila bilo biti samo koji "
    "koja koje kada gdje ovaj ova ovo mi me smo ste također još jer ima imam imate vrlo bez pred pri ništa nešto "
    "među te tom ovdje hvala njegov njen pa ne može kao više sve ili gde sto nisam nisu ga mu sa šta kad bih će",
    "ro": "și şi este nu la cu pe în de un o că ca mai din care sau dar pentru ce sunt am ai are au fost fi a al ale "
    "lui lor eu tu el ea noi voi se să sa îmi mi ne vă foarte doar când cum unde asta acest această aceasta tot "
    "toate mult bine după fără până decât daca dacă prin între acum iar mulțumesc si",
    "hu": "a az és hogy nem is egy ez van de csak már mert meg ha mint el ki be fel volt lesz azt ezt amit ami aki "
    "akkor én te mi ti ők nekem neki nagyon még vagy kell lehet itt ott hol mikor miért mit sem után alatt között "
    "minden olyan ilyen úgy így vagyok köszönöm szerintem ezért pedig majd ezek azok több jó lett sok nincs",
    "tr": "bir ve bu için çok da de ile ben ne gibi daha var ama olan kadar sonra mı en değil mi o şu sen biz siz onlar "
    "benim senin bana sana her şey hiç yok olarak oldu olur ki ya veya bunu bunun önce çünkü nasıl neden zaman "
    "böyle şimdi ise diye teşekkürler teşekkür iyi güzel mu mü kendi bile tüm olduğu üzerinde",
    "sv": "och att det är som en på för inte med av jag den har du till var men om så ett från man vi de kan när han "
    "hon eller vad nu där ska efter upp också vara hade mycket sig ut mig dig sin sitt bara mer än utan vid här hur "
    "alla skulle blir då detta dessa tack något några min ditt er oss varför själv",
    "da": "og at det er som en på for ikke med af jeg den har du til var men om så et fra man vi de kan når han hun "
    "eller hvad nu der skal efter op også være havde meget sig ud mig dig sin sit bare mere end uden ved her hvor "
    "alle ville bliver da dette disse tak noget nogle min dit jer os hvorfor selv hvordan været blev kun",
    "nb": "og å at det er som en på for ikke med av jeg den har du til var men om så et fra man vi de kan når han hun "
    "eller hva nå der skal etter opp også være hadde mye seg ut meg deg sin sitt bare mer enn uten ved her hvor alle "
    "ville blir da dette disse takk noe noen min ditt dere oss hvorfor selv hvordan vært ble kun ei ikkje",
    "fi": "ja on ei se että en ole mutta kun oli niin hän minä sinä me te he tämä tuo mitä joka jos kuin vain myös "
    "nyt sitten kaikki jo vielä tai minun sinun mun sun siitä siinä sen tässä tämän ovat olen olet olisi voi mikä "
    "miten miksi missä koska aina hyvin todella paljon ihan kyllä kiitos eli vaan kanssa jotka ne ettei eikä sitä",
    "et": "ja on ei see et ma sa ta me te nad kui aga oli nii mis kes siis ka veel juba kõik või oma minu sinu mul sul "
    "seda selle sellest olen oled olema pole võib väga ainult nagu kus miks kuidas sest ning kas mida seal siin "
    "välja pärast enne üle alla peale koos ilma aitäh pean ära üks saab tema neid mind",
    "lt": "ir yra kad ne į su tai iš ar bet kaip aš jis ji mes jūs jie jos buvo būti man tau mano tavo savo tik jau "
    "dar labai kas kur kai nes arba už po prie per apie nuo iki taip pat šis ši tas ta tie gali galima reikia turi "
    "ačiū viskas nėra čia dabar tokia daug būtų kurie kuris jei o be",
    "lv": "un ir ka ne uz ar no tas tā bet kā es viņš viņa mēs jūs viņi bija būt man tev mans tavs savu tikai jau vēl "
    "ļoti kas kur kad jo vai par pēc pie caur līdz arī šis šī tie var vajag paldies viss nav šeit tagad daudz būtu "
    "kuri kurš ja bez lai tad pat tiek kurā tam to mani",
    "id": "yang dan di ini itu dengan untuk dari tidak ada saya akan bisa juga karena pada ke sudah anda kita aku kamu "
    "dia mereka kami atau tapi kalau jika seperti lebih hanya sangat banyak semua lagi masih belum sama oleh dalam "
    "adalah menjadi apa siapa mana kapan bagaimana gak nggak ga yg dgn utk sy bukan jangan mau boleh nya terima "
    "kasih sih dong aja udah tetapi telah harus dapat tak nak awak agar jadi buat",
    "vi": "và của là có cho không được một các với này trong tôi người đã những để thì mà khi như ra vào lại cũng rất "
    "nhiều bạn mình anh em nó ở từ về đến hay hoặc nếu vì nên đang sẽ phải chỉ còn làm gì sao ai đó kia rồi quá "
    "cảm ơn chúng ta tất cả sau trước nhưng bài viết thật đi",
    "ca": "el la els les una és i en per que amb com però més aquest aquesta això molt no un del al de dels als es ho "
    "hi he ha són era ser tot tots també quan on sense sobre entre perquè ja us ens em et meu meva seu seva gràcies "
    "bé així des fins només jo vostè estic està tinc té fer aquí si o qui què ni nosaltres",
    "sw": "na ya wa kwa ni za la katika hii hiyo huyo hayo kama lakini pia sana yangu yako yake wetu wenu wao mimi wewe "
    "yeye sisi nyinyi si kuwa ana nina una tuna wana bado tu au ili kwamba hapa huko gani nini nani wapi lini asante "
    "zaidi wote yote zote cha vya mwa hata baada kabla kila kutoka hivyo basi ndiyo hapana bila alikuwa",
    "tl": "ang ng mga sa na ay at ko mo niya ako ikaw siya kami tayo kayo sila ito iyan iyon hindi wala may mayroon "
    "para kung pero dahil kasi lang din rin po nang naman ba pa ni si kay ano sino saan kailan paano bakit talaga "
    "sobra lahat isa namin natin inyo nila kanila dito doon salamat pala yung yun nga ka walang mas",
    "az": "və bir bu üçün çox da də ilə mən nə kimi daha var amma olan qədər sonra deyil o sən biz siz onlar mənim "
    "sənin mənə sənə hər heç yox olaraq oldu olur ki ya bunu bunun əvvəl çünki necə niyə zaman belə indi isə "
    "yaxşı təşəkkür gözəl öz bütün haqqında edir idi hansı burada ancaq lakin etmək",
    "sq": "dhe të në një është për me që nga si së ka kam janë ishte por edhe ose nuk mos do po jo unë ti ai ajo ne ju "
    "ata kjo ky këtë çfarë kur ku pse sepse shumë vetëm më mirë faleminderit gjithë tek te duke ta tij saj tyre "
    "im yt jam jeni kemi keni pasi deri pa nëse këto ishin e i u",
    "is": "og að er það sem á í ekki við en um ég þú hann hún þið þeir þær þetta þessi með til af frá var voru vera "
    "hef hefur hafa mjög bara líka svo eða hvað hver hvar hvenær hvernig hverju mér þér minn þinn sinn upp út eins "
    "þegar núna takk allt öll allir nú hér þar þá sig því eru verið",
    "eo": "la kaj estas de al en ke ne mi vi li ŝi ĝi ni ili por kun pri tio tiu ĉi sed aŭ kiel kiu kio kie kiam ĉar "
    "el sur per da do tre nur ankaŭ jam pli plej se ĉu havas povas miaj via mia lia estis estos dankon tute iu io "
    "ĝin vin min oni eĉ ankoraŭ inter sen post",
}  # fmt: skip
_CYRILLIC: Final = {
    "ru": "и в б не на что я с как это по но к у за из так же от бы для а то мы вы он она они все всё был была было быть "
    "есть если или только уже ещё еще очень когда где кто чтобы мне меня тебя вас нас его её их этот эта эти о об при "
    "до без под надо нет да там тут просто можно какой почему потому спасибо может во со ли мой себя чем",
    "uk": "і й в у не на що я з як це по але до за із так від б для а то ми ви він вона вони все був була було бути є "
    "якщо або чи тільки вже ще дуже коли де хто щоб мені мене тебе вас нас його її їх цей ця ці про при без під треба "
    "немає ні там тут просто можна який чому тому дякую може та також наш свій навіть зі",
    "bg": "и в не на че аз с как това по но към у за от да се са си би ще е ги го му ми ти ние вие той тя те всички беше "
    "били бъде има няма ако или само вече още много когато къде кой която който които мен теб вас нас него нея тях "
    "този тази тези о при до без под трябва там тук просто може какво защо защото благодаря така също със във ли",
    "sr": "и у не на да ја са с како то по али к за из тако од бих а што ми ви он она они све био била било бити је су "
    "сам смо сте ако или само већ још веома врло када где ко мени мене тебе вас нас његов њен их овај ова ове о при до "
    "без под треба нема нисам тамо овде може који која које зашто зато хвала се бр ће па ту",
    "mk": "и во не на дека јас со како тоа по но кон за од да се си би ќе е ги го му ми ти ние вие тој таа тие сите беше "
    "биле има нема ако или само веќе уште многу кога каде кој која кои мене тебе вас нас него неа нив овој оваа овие "
    "при до без под треба таму тука може што зошто затоа благодарам исто сум сме сте",
    "be": "і ў у не на што я з як гэта па але да за так ад бы для а то мы вы ён яна яны усё быў была было быць ёсць калі "
    "або ці толькі ужо яшчэ вельмі дзе хто каб мне мяне цябе вас нас яго яе іх гэты гэтая гэтыя пра пры без пад трэба "
    "няма там тут проста можна які чаму таму дзякуй можа таксама нават са",
    "kk": "және мен сен ол біз сіз олар бұл үшін бар жоқ емес де да өте бір не қалай қайда керек болып болады еді деп "
    "туралы бойынша осы сол барлық тек енді кейін бұрын рахмет жақсы ең маған саған оны оның менің сенің бірақ егер "
    "сияқты арқылы қазір мұнда",
}  # fmt: skip
_ARABIC: Final = {
    "ar": "في من على إلى عن مع هذا هذه ذلك التي الذي ما لا لم لن أن إن كان كانت هو هي أنا أنت نحن هم و أو ثم قد كل بعض "
    "غير بين حتى إذا عند بعد قبل كما لكن جدا شكرا هل كيف متى أين ماذا لماذا يا ليس لقد عليه عليها منه فيه بها به له لك "
    "لي يكون ان الى انا اي",
    "fa": "و در به از که این را با است برای آن یک هم تا من تو او ما شما آنها خود می نمی هر چه اما اگر یا بود شد شده "
    "هست نیست کرد کرده دارد دارم باید بسیار خیلی فقط همه چرا چی کجا کی چطور ممنون مرسی های ها ولی پس بعد قبل دیگر بر "
    "کنید کنم باشد هستم",
    "ur": "کے کی کا میں ہے ہیں سے کو اور یہ وہ نے پر بھی تھا تھی تھے نہیں ہو کر جو تو اس ان ایک ہم آپ مجھے میرا میری کیا "
    "کیوں کب کہاں کیسے بہت صرف ہی تک لیے لئے اگر لیکن یا پھر گا گی گے رہا رہے رہی ہوں شکریہ سب کچھ کوئی ساتھ بعد",
}  # fmt: skip

# A letter that few languages use is half a vote, split among them.
_TELLING: Final = {
    "ß": "de", "ñ": "es", "ł": "pl", "ż": "pl", "ś": "pl", "ř": "cs", "ů": "cs", "ě": "cs", "ľ": "sk", "ĺ": "sk",
    "ŕ": "sk", "ő": "hu", "ű": "hu", "ğ": "tr az", "ı": "tr az", "ə": "az", "ș": "ro", "ț": "ro", "ţ": "ro",
    "ã": "pt", "å": "sv da nb", "ø": "da nb", "æ": "da nb is", "þ": "is", "ð": "is", "đ": "vi hr", "ơ": "vi",
    "ư": "vi", "ạ": "vi", "ế": "vi", "ė": "lt", "ų": "lt", "į": "lt", "ņ": "lv", "ļ": "lv", "ģ": "lv", "ķ": "lv",
    "ā": "lv", "ē": "lv", "ĉ": "eo", "ĝ": "eo", "ŝ": "eo", "ŭ": "eo", "ë": "sq nl",
    "ы": "ru be kk", "э": "ru be", "ё": "ru be", "ї": "uk", "є": "uk", "ґ": "uk", "і": "uk be kk", "ў": "be",
    "ъ": "bg", "ј": "sr mk", "љ": "sr mk", "њ": "sr mk", "ћ": "sr", "ђ": "sr", "ќ": "mk", "ѓ": "mk", "ѕ": "mk",
    "қ": "kk", "ң": "kk", "ғ": "kk", "ү": "kk", "ұ": "kk", "ә": "kk", "ө": "kk",
    "ة": "ar", "ى": "ar", "أ": "ar", "إ": "ar", "ي": "ar", "ك": "ar", "ک": "fa ur", "ی": "fa ur", "ژ": "fa",
    "ٹ": "ur", "ڈ": "ur", "ڑ": "ur", "ں": "ur", "ے": "ur", "ہ": "ur", "ھ": "ur",
}  # fmt: skip
_TELLING_LETTERS: Final = {letter: tuple(codes.split()) for letter, codes in _TELLING.items()}
_MOST_TELLING = 6  # votes counted for one such letter


def _owners(languages: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    owners: dict[str, list[str]] = {}
    for code, words in languages.items():
        for word in words.split():
            owners.setdefault(word, []).append(code)
    return {word: tuple(codes) for word, codes in owners.items()}


_OWNERS: Final = {
    "latin": _owners(_LATIN),
    "cyrillic": _owners(_CYRILLIC),
    "arabic": _owners(_ARABIC),
}

# --- scripts ----------------------------------------------------------------------

# First letter of each block, its script, and the language of that script.
_BLOCKS: Final = (
    ("\0", "latin", ""), ("\u0370", "greek", "el"), ("\u0400", "cyrillic", ""), ("\u0530", "armenian", "hy"),
    ("\u0590", "hebrew", "he"), ("\u0600", "arabic", ""), ("\u0700", "other", ""), ("\u0750", "arabic", ""),
    ("\u0780", "other", ""), ("\u0900", "devanagari", "hi"), ("\u0980", "bengali", "bn"),
    ("\u0a00", "gurmukhi", "pa"), ("\u0a80", "gujarati", "gu"), ("\u0b00", "oriya", "or"), ("\u0b80", "tamil", "ta"),
    ("\u0c00", "telugu", "te"), ("\u0c80", "kannada", "kn"), ("\u0d00", "malayalam", "ml"),
    ("\u0d80", "sinhala", "si"), ("\u0e00", "thai", "th"), ("\u0e80", "lao", "lo"), ("\u0f00", "tibetan", "bo"),
    ("\u1000", "burmese", "my"), ("\u10a0", "georgian", "ka"), ("\u1100", "hangul", "ko"),
    ("\u1200", "ethiopic", "am"), ("\u13a0", "other", ""), ("\u1780", "khmer", "km"), ("\u1800", "other", ""),
    ("\u1e00", "latin", ""), ("\u1f00", "greek", "el"), ("\u2000", "other", ""), ("\u3040", "kana", "ja"),
    ("\u3100", "other", ""), ("\u3400", "han", "zh"), ("\ua000", "other", ""), ("\uac00", "hangul", "ko"),
    ("\ud7b0", "other", ""),
)  # fmt: skip
_STARTS: Final = tuple(start for start, _, _ in _BLOCKS)
_NAMED: Final = {script: code for _, script, code in _BLOCKS}
# A character for a syllable or a word counts as several letters.
_WORTH: Final = {"han": 3, "kana": 2, "hangul": 2}
_DIGITS = re.compile(r"[\d_]+")


def _script(letter: str) -> str:
    return _BLOCKS[bisect_right(_STARTS, letter) - 1][1]


def script_of(words: Iterable[str]) -> str:
    """Return the script, such as ``latin``, in which most of `words` begin; empty without words."""
    first = [word[0] for word in words]
    if max(first, default="") < "\u0370":
        return "latin" if any(map(str.isalpha, first)) else ""
    votes: Counter[str] = Counter()
    for letter, count in Counter(first).items():
        script = _script(letter)
        if script != "latin" or letter.isalpha():
            votes[script] += count
    best = votes.most_common(1)
    return best[0][0] if best else ""


def _main_script(letters: str) -> str:
    """Return the script of most `letters`; empty for few or mixed letters."""
    if letters.isascii():
        return "latin"
    shares: Counter[str] = Counter()
    for letter, count in Counter(_DIGITS.sub("", letters)).items():
        shares[_script(letter)] += count
    if 10 * shares["kana"] >= shares["han"] > 0:  # a few の do not make Chinese text Japanese
        shares["kana"] += shares.pop("han")
    if not shares:
        return ""
    weighed = {script: count * _WORTH.get(script, 1) for script, count in shares.items()}
    best = max(weighed, key=lambda script: weighed[script])
    enough = shares[best] >= _LEAST_LETTERS and weighed[best] >= _MAJORITY * sum(weighed.values())
    return best if enough else ""


# --- the language -----------------------------------------------------------------


def language_of(words: Sequence[str]) -> str:
    """Return the ISO 639-1 code of the language of `words`, or an empty string if it is unclear."""
    if len(words) > _HEAD + _TAIL:
        words = [*words[:_HEAD], *words[-_TAIL:]]
    letters = "".join(words)
    if len(letters) > _LONGEST:
        letters = "".join([word[:_LONGEST] for word in words])
    script = _main_script(letters)
    owners = _OWNERS.get(script)
    return _NAMED.get(script, "") if owners is None else _by_words(words, letters, owners)


def _by_words(words: Sequence[str], letters: str, owners: Mapping[str, tuple[str, ...]]) -> str:
    """Count votes of function words and rare letters; a word of several languages splits one vote."""
    said: dict[str, int] = {}
    for word in words:
        if word in owners:
            said[word] = said.get(word, 0) + 1
    if len(said) < _LEAST_WORDS:
        return ""
    votes: dict[str, float] = {}
    for word, count in said.items():
        codes = owners[word]
        share = count / len(codes)
        for code in codes:
            votes[code] = votes.get(code, 0.0) + share
    if not letters.isascii():
        _count_telling(letters, votes)
    best = max(votes, key=votes.__getitem__)
    hits = [word for word in said if best in owners[word]]
    if len(hits) < _LEAST_WORDS or len([word for word in hits if len(word) > 1]) < _LEAST_LONGER:
        return ""
    if sum(map(said.__getitem__, hits)) < _LEAST_SHARE * len(words):
        return ""
    first = votes.pop(best)
    return best if first >= _MARGIN * max(votes.values(), default=0.0) else ""


def _count_telling(letters: str, votes: dict[str, float]) -> None:
    """Add the votes of rare letters to languages that have a function word already."""
    for letter in sorted(set(letters) & _TELLING_LETTERS.keys()):
        codes = _TELLING_LETTERS[letter]
        for code in codes:
            if code in votes:
                votes[code] += min(letters.count(letter), _MOST_TELLING) / (2 * len(codes))


_NAMES: Final = dict(
    pair.split("=")
    for pair in "en=English de=German fr=French es=Spanish pt=Portuguese it=Italian nl=Dutch pl=Polish cs=Czech "
    "sk=Slovak sl=Slovenian hr=Croatian ro=Romanian hu=Hungarian tr=Turkish sv=Swedish da=Danish nb=Norwegian "
    "fi=Finnish et=Estonian lt=Lithuanian lv=Latvian id=Indonesian vi=Vietnamese ca=Catalan sw=Swahili tl=Tagalog "
    "az=Azerbaijani sq=Albanian is=Icelandic eo=Esperanto ru=Russian uk=Ukrainian bg=Bulgarian sr=Serbian "
    "mk=Macedonian be=Belarusian kk=Kazakh ar=Arabic fa=Persian ur=Urdu el=Greek hy=Armenian he=Hebrew hi=Hindi "
    "bn=Bengali pa=Punjabi gu=Gujarati or=Odia ta=Tamil te=Telugu kn=Kannada ml=Malayalam si=Sinhala th=Thai "
    "lo=Lao bo=Tibetan my=Burmese ka=Georgian ko=Korean am=Amharic km=Khmer ja=Japanese zh=Chinese".split()
)


def name_of(language: str) -> str:
    """Return the English name of a language (``Portuguese`` for ``pt``), or its code."""
    return _NAMES.get(language, language)


# --- what a model knows -----------------------------------------------------------


def is_known(language: str, known: frozenset[str]) -> bool:
    """Return whether a model that knows the languages `known` may call a comment spam.

    An unclear `language` (empty) counts as known. If `known` is empty, the model
    has no count of its languages and every language counts as known.
    """
    return not language or not known or language in known


def count_languages(
    languages: NDArray[np.str_], spam: NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    """Return the number of ham and spam comments per language, by code and then label.

    Parameters
    ----------
    languages : ndarray of str, shape (n,)
        Codes, as in `Rows`; empty codes are left out.
    spam : ndarray of bool, shape (n,)
        Whether each comment is spam.
    """
    return {
        str(code): {
            "ham": int((~spam & (languages == code)).sum()),
            "spam": int((spam & (languages == code)).sum()),
        }
        for code in np.unique(languages[languages != ""])
    }


def languages_known(counts: Mapping[str, Mapping[str, int]], least_ham: int) -> frozenset[str]:
    """Return the languages with at least `least_ham` ham comments in `counts`.

    Spam does not count: a model that does not know a language errs on its ham.
    """
    return frozenset(code for code, count in counts.items() if count["ham"] >= least_ham)
