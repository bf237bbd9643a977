"""Promotional phrasing: named phrase groups, matched on whole words.

The phrases are facts about what comment spam sells and how it asks, gathered
from reading spam in several languages and written down by hand. A trailing
``*`` stands for any ending (``кредит*``); phrases of Chinese, Japanese and
Korean, which are written without spaces between words, match anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import log1p

from spamguard.features.reading import Reading
from spamguard.features.schema import Feature

GROUPS: dict[str, str] = {
    "pharma": """viagra, cialis, levitra, sildenafil, tadalafil, vardenafil, kamagra, generic pills, xanax, valium,
        tramadol, ambien, phentermine, adderall, oxycodone, hydrocodone, modafinil, provigil, priligy, dapoxetine,
        clomid, nolvadex, propecia, finasteride, accutane, isotretinoin, prednisone, prednisolone, amoxicillin,
        zithromax, azithromycin, doxycycline, ivermectin, hydroxychloroquine, plaquenil, metformin, lasix, neurontin,
        gabapentin, zoloft, lexapro, augmentin, diflucan, synthroid, lyrica, pregabalin,
        pharmacy, pharmacies, online drugstore, canadian drugs, without prescription, no prescription, no rx,
        erectile, erectile dysfunction, impotence, premature ejaculation, male enhancement, penis, penis enlargement,
        libido, potency, testosterone booster, anabolic steroids, steroids, hgh, sarms, weight loss, lose weight,
        fat burner, diet pills, slimming, keto gummies, garcinia, cbd oil, cbd gummies, hemp oil, kratom, nootropics,
        cure for herpes, cure herpes, herbal cure, herbal medicine, herbal remedy, herbal remedies, hiv cure, herpes virus, hair loss, teeth whitening,
        botox, dental implants, rehab center, abnehmen, potenzmittel, apotheke, rezeptfrei, ohne rezept,
        pharmacie en ligne, sans ordonnance, maigrir, farmacia online, sin receta, adelgazar, sem receita, emagrecer,
        obat kuat, obat herbal, pembesar penis, pelangsing, препарат*, таблетк*, аптек*, дженерик*, потенци*, похудени*,
        похудеть, наркологи*, наркоман*, алкоголизм*, виагр*, сиалис*, 伟哥, 減肥, 减肥, 비아그라, 시알리스, バイアグラ""",
    "gambling": """casino, casinos, kasino, poker, roulette, blackjack, baccarat, slot machine, slot machines, slots,
        slot online, slot gacor, gacor, maxwin, jackpot, bookmaker, bookmakers, sportsbook, sports betting, betting,
        online betting, bet now, free spins, no deposit bonus, welcome bonus, gambling, togel, judi, judi online, bandar, bandarq, domino99,
        sbobet, rtp, deposit pulsa, agen bola, taruhan, situs slot, sabung ayam, bola tangkas,
        wette, wetten, sportwetten, spielautomat*, paris sportifs, pari sportif, apuestas, tragamonedas, apostas, caça-níqueis,
        scommesse, bahis, kumar, canlı bahis, iddaa, казино, букмекер*, ставк*, рулетк*, игровые автоматы, игровых автоматов,
        покер, вулкан, 1xbet, 1win, mostbet, melbet, pin up, fun88, w88, dafabet, 188bet, 918kiss, joker123, pragmatic,
        博彩, 赌场, 彩票, 娱乐城, 카지노, 바카라, 토토, 슬롯, 먹튀, 파워볼, カジノ, nhà cái, cá cược, xổ số""",
    "money": """loan, loans, payday, payday loan, personal loan, personal loans, business loan, loan offer, loan lender, loan company,
        lender, lenders, borrow money, cash advance, bad credit, credit repair, credit report, debt consolidation, refinance,
        mortgage, interest rate, low interest, financial assistance, financial freedom, invest with,
        investment plan, investment platform, forex, forex trading, binary option, binary options, trading signals, trade with, expert         account manager, crypto investment, crypto recovery, recover my bitcoin, recover your funds, recovery expert, lost bitcoin, bitcoin investment,
        bitcoin mining, bitcoin wallet, minimum deposit, passive income, extra income, online income, make money, make money online, earn money,
        earn from home, work from home, weekly profit, daily profit, double your, get rich, millionaire, cash app, cashapp flips, western union,
        blank atm, atm card, atm cards, blank card, clone card, cloned cards, programmed card, bank logs, hacker, hackers, ethical hacker, professional hacker, hacking services, hire a hacker,
        spy on, cheating spouse, phone hack, whatsapp hack, hack into, change grades, usdt, airdrop, nft drop,         kredit, kredite, darlehen, geld verdienen, sofortkredit, prêt entre particulier, prêt d'argent, crédit rapide, gagner de l'argent, offre de prêt,
        préstamo, préstamos, crédito rápido, ganar dinero, dinero extra, empréstimo, empréstimos, ganhar dinheiro, renda extra, prestiti, pinjaman, pinjol, dana cepat, kerja dari rumah,         кредит*, займ*, заем, ипотек*, заработ*, доход*, инвестиц*, инвестир*, криптовалют*, биткоин*, форекс, бинарн*, брокер*, трейд*,
        贷款, 投资, 赚钱, 兼职, 日结, 刷单, 대출, 코인, 副業""",
    "seo": """seo, seo services, seo service, seo company, seo agency, seo expert, search engine optimization, backlink, backlinks, link building,
        guest post, guest posts, guest posting, sponsored post, link exchange, exchange links, dofollow, pbn, domain authority, page rank,
        rank your, ranking on google, rank on google, first page of google, top of google, google ranking, search rankings, increase traffic, website traffic, targeted traffic,
        more traffic, web traffic, boost your, digital marketing, digital marketing agency, digital marketing company, internet marketing, affiliate marketing, email marketing, social media marketing,
        content marketing, web design, web designing, website design, web development company, web hosting, cheap hosting, reseller hosting, software house, app development company, buy followers, instagram followers,
        buy likes, buy views, youtube views, followers and likes, monetize your, adsense alternative, contact form, unique unique content, article writer, article spinner, spin syntax, copyscape, plagorism,
        suchmaschinenoptimierung, webdesign agentur, référencement, agence seo, posicionamiento web, marketing digital, criação de sites, jasa seo, jasa backlink, jasa website, sewa, harga,
        продвижени*, раскрут*, накрутк*, оптимизац*, прогон, хрумер, xrumer, 代写, 优化, 推广, 上位表示, 백링크""",
    "essay": """essay, essays, essay writing, essay service, write my essay, write my paper, essay writer, custom essay, custom essays, college essay, term paper, term papers,
        dissertation, dissertation help, thesis writing, thesis help, research paper, coursework help, homework help, assignment help, assignment writing, do my homework, do my assignment,
        academic writing, paper writing, writing service, writing services, case study help, exam help, take my class, take my online class, plagiarism free, proofreading services, ghostwriter, book writing, resume writing,
        hausarbeit schreiben, ghostwriting, rédaction de mémoire, trabajos académicos, monografia pronta, tcc pronto, курсов*, диплом*, диссертаци*, реферат*, контрольн* работ*, купить диплом, 论文代写, 代写论文""",
    "spells": """spell, spells, spell caster, spellcaster, love spell, love spells, lottery spell, powerful spell, cast a spell, spell casting, magic spell, black magic, voodoo, witchcraft, witch doctor,
        psychic, psychic reading, fortune teller, astrologer, vashikaran, love problem, love problem solution, kala jadu, tantrik, molvi, baba ji, bring back my ex, get my ex back, ex back, my ex lover, ex husband back, lost love, lost lover,
        save my marriage, saved my marriage, restore my marriage, restored my marriage, broken marriage, broken relationship, great healer, native doctor, spiritual healer, herbalist, testimony, testimonies, i want to testify, share my testimony, sharing my testimony,
        lottery, lottery numbers, winning numbers, won the lottery, mega millions, powerball, illuminati, join the illuminati, brotherhood, rich and famous, occult, marabout, voyant, voyance, retour affectif, retour d'affection, envoûtement, magie noire,
        amarre, amarres, brujo, brujería, hechizo*, tarot, videncia, amarração, dukun, pelet, приворот*, гадани*, ясновид*, экстрасенс*""",
    "training": """training institute, training institutes, training center, training centre, training course, training courses, training in, course in, courses in, best institute, coaching classes, coaching centre, coaching institute, online training, online course, online courses,
        certification course, certification training, certification exam, exam braindumps, pdf job oriented, placement assistance, 100 placement, job guarantee, classroom training, corporate training, real time training, live project, tutors,
        training in chennai, training in bangalore, training in hyderabad, in chennai, in bangalore, in hyderabad, in pune, in noida, in delhi, in dubai, in mumbai, in lahore, in karachi, admissions, scholarship, scholarships, mba, career opportunities, kursus, bootcamp,
        telkom fakultas, kuliah, universitas, обучени* на, курсы""",
    "adult": """escort, escorts, escort service, escort services, call girl, call girls, sexy, porn, porno, pornography, xxx, nude, nudes, webcam, cam girls, camgirl, sex chat, sex toy, sex toys, dildo, hookup, hook up, hookups, one night stand, milf, anal, hentai, erotic, onlyfans, adult dating, dating site, dating sites, dating,
        beautiful girls, russian brides, mail order bride, sugar daddy, sugar mummy, sexcam, prostituierte, nutten, plan cul, rencontre coquine, rencontres, putas, sexo, relatos eróticos, acompanhantes, bokep, ngentot, seks, eskort, escort bayan,
        секс*, порно*, эротик*, проститут*, шлюх*, интим*, знакомств*, индивидуалк*, 色情, 约炮, 成人, 裸聊, 섹스, 출장, 안마, 야동, アダルト, 出会い系""",
    "goods": """replica, replicas, replica watches, rolex, rolex replica, louis vuitton, gucci, prada, chanel, hermes, michael kors, ray ban, ray bans, oakley, oakley sunglasses, nike, air jordan, jordans, adidas, yeezy, moncler, canada goose, north face, uggs, ugg boots, tiffany, swarovski, nfl jerseys, jerseys, wholesale,
        wholesale jerseys, designer handbags, handbags, outlet, outlet store, factory outlet, cheap, cheapest, cheap price, best price, best prices, lowest price, low price, affordable price, discount, discounts, coupon, coupon code, promo code, discount code, free shipping, buy now, buy online, order now, order online, shop now, shop online, online store, online shop, online shopping, % off,
        money back guarantee, limited offer, special offer, special offers, exclusive offer, best deals, great deals, free trial, free quote, free estimate, supplier, suppliers, manufacturer, manufacturers, exporter, movers, packers and movers, moving company, removals, plumber, plumbing, plumbing services, electrician, locksmith, roofing, roof repair, roofers, carpet cleaning services, house maid service, pest control, landscaping, tree service, garage door, water damage, hvac, air conditioning repair, appliance repair, towing, junk removal,
        limo, limousine, taxi service, car rental, rent a car, car service, airport transfer, used cars, car insurance, life insurance, auto insurance, insurance quotes, real estate, realtor, apartments property dealer, interior design, interior designers, kitchen remodeling, bathroom remodeling, home renovation, lawyer, lawyers, attorney, attorneys, law firm, injury lawyer, divorce lawyer, bookkeeping, tax services,
        travel agency, tour packages, tour package, honeymoon package, cheap flights, flight booking, hotel booking, visa services, ielts certificate, driving license, driver's license, fake documents, counterfeit, counterfeit money, counterfeit bills, vape, vapes, e-liquid, marijuana, cannabis, thc, dispensary, shrooms, magic mushrooms, cocaine, mdma, lsd, photo editing services, clipping path, wedding photographer, t-shirts, hoodie, hoodies, leather leather sneakers, perfume, jewelry, jewellery, wigs, mattress, mattresses, furniture, furniture shop, essential oils, hot tubs, massage, cctv, led lights, power bank, pcb assembly, cnc machining, injection molding,
        billig, günstig kaufen, günstige, kaufen, rabatt, gutschein, schlüsseldienst, umzug, umzüge, entrümpelung, reinigungsfirma, handwerker, pas cher, soldes, livraison gratuite, code promo, devis, devis gratuit, plombier, serrurier, déménagement, barato, baratos, barata, ofertas, descuento, comprar, envío gratis, cerrajero, mudanzas, desconto, promoção, frete grátis, desentupidora, dedetizadora, jual, beli, murah, termurah, diskon, terpercaya, jasa, distributor, pabrik, ucuz, satılık, nakliyat,
        купить, куплю, продам, продажа, продаж*, заказать, закажите, заказ*, недорог*, дешев*, скидк*, цена, цены, ценам, доставк*, интернет магазин, интернет-магазин, магазин*, оптом, ремонт*, монтаж*, строительств*, аренд*, услуг*, такси, эвакуатор*, сантехник*, натяжн* потол*, окна, двери, мебел*, недвижимост*, квартир*, туры, путевк*, юрист*, адвокат*, бухгалтер*, гарант*, tanie, sklep, kupić,
        优惠, 价格, 购买, 代购, 批发, 厂家, 办证, 발급, 할인, 구매, 激安, 通販""",
    "apps": """download the app, download our app, download app, install the app, install our app, free app, android app, ios app, apk, mod apk, modded apk, apk download, unlimited free gems, free robux, free v bucks, hack tool, cheat tool, gift card free gift card, free gift cards, crack, cracked, keygen, serial key, license key, activation key, full version, free download, download free, download here, direct download, watch online, watch free, full movie, full movies, free movies, streaming free, live stream free, iptv, iptv subscription, referral code, referral link, invite code, sign up bonus, use my code, use code,
        customer care number, customer support number, support number, customer service number, technical support, toll free, helpline, helpline number, contact number, login page, printer support, norton office quickbooks, wallet support, gratis herunterladen, télécharger gratuit, télécharger gratuitement, descargar gratis, baixar grátis, unduh, download gratis, скачать, скачать бесплатно, смотреть онлайн, фильм*, сериал*, торрент*, бесплатно, 破解, 下载, 무료""",
    "subscribe": """my channel, my youtube, my youtube channel, our channel, new channel, subscribe to me, subscribe to my, subscribe my, subscribe me, sub to me, sub to my, sub me, subscribe back, sub back, sub for sub, sub4sub, subscribe for, please subscribe, plz subscribe, pls subscribe, subscribers, subs, first subscriber, check out my, check my, check me out, checkout my, check this out, check out check out our, my new song, my song, my songs, my new video, my latest video, my music, my cover, my covers, my remix, my beats, my page, my facebook, my facebook page, my instagram, my web site, my web page, my webpage, my homepage, my profile, my soundcloud, my playlist, my vlog, my gaming channel,
        our website, our site, our page, our blog, our services, our products, our company, follow me, follow us, like my, like my page, like us, add me, watch my, listen to my, visit my, visit my channel, vote for me, vote for us, give me a chance, take a look at my, have a look at my, thumbs up, thumb up, like this comment, like if, thumbs up if, upvote suscribe, suscribete, suscríbete, sucscribe, subscribete, subcribe, subscibe, mi canal, meu canal, se inscreva, inscreva-se, ma chaîne, abonnez vous, abonne toi, meinen kanal, mein kanal, abonniert, abonniere, mój kanał, kanalıma, abone ol, подпис*, мой канал, моём канале, на мой канал, 订阅, 关注我, 加我, 구독, チャンネル登録""",
    "action": """click here, click click the link, click on, click below, clicking here, visit here, visit us, visit our, visit visit now, visit visit the site, visit website, read more here, learn more, know more, for for for find out more, check here, check it out, check it here, get it here, get started, get yours, get your, grab your, here is the link, link below, link in bio, link here, try it, try try now, sign up, register now, register here, join now, join us, join here, apply now, apply here, apply today, book now, call now, call us, call us now, call today, call me, call me on, text me, dm me, inbox me, hit me up, contact us, contact me, contact him, contact her, contact them, contact today, email him, email us, email me, reach out to, reach him, reach them, get in touch, whatsapp, whats app, whatsapp me, whatsapp number, whatsapp him, telegram, viber, wechat, skype, hangouts, kik, on email, via his email, his email, mail address, hurry, hurry up, act now, don't miss, do not miss, last chance, limited time, guaranteed, 100 guaranteed, trusted, legit, genuine, no risk, risk free, recommend, highly recommend,         hier klicken, klick hier, klicken sie, mehr erfahren, mehr infos, besuchen sie, kontaktieren sie, cliquez ici, cliquez, en savoir plus, plus d'infos, contactez, contactez nous, visitez, visitez mon site, haga clic, haz clic, clic aquí, click aquí, más información, visite nosso, contáctenos, clique aqui, saiba mais, acesse, entre em contato, clicca qui, klik, klik disini, klik di sini, kunjungi, hubungi, hubungi kami, daftar, daftar sekarang, info lebih lanjut, tıkla, tıklayın, kliknij, подробн*, переход*, жми, жмите, ссылк*, по ссылке, сайт*, на сайте, наш сайт, мой сайт, звон*, обращайт*, пишите, телеграм*, вотсап*, ватсап, 点击, 微信, 扣扣, 加微信, 联系, 클릭, 문의, 텔레그램, 카톡, 바로가기, クリック""",
    "praise": """nice post, nice nice blog, nice site, nice website, nice information, nice info, nice share, nice sharing, nice work, great post, great great blog, great site, great website, great information, great info, great content, great work, great job, great share, great read, great web, great weblog, good post, good good blog, good information, good info, good job, good work, good stuff, good content, good read, good sharing, good to read, awesome post, awesome awesome blog, awesome site, awesome information, amazing post, amazing amazing blog, amazing content, amazing information, excellent post, excellent excellent blog, excellent information, excellent work, excellent content, wonderful post, wonderful wonderful blog, wonderful information, fantastic post, fantastic fantastic blog, fantastic site, superb post, superb superb blog, brilliant beautiful post, beautiful blog, lovely post, lovely blog, useful post, useful useful information, useful info, useful blog, very useful, really useful, informative, informative post, informative informative blog, very informative, very helpful, very interesting, interesting post, interesting interesting blog, interesting information, interesting read, valuable information, valuable post, valuable content, valuable info, knowledgeable, quality content, quality post, quality high quality, well written, well explained, nicely written, nicely explained, detailed post,
        keep it up, keep up, keep up the good work, keep up the great work, keep posting, keep writing, keep sharing, keep thanks for sharing, thank you for sharing, thanks for the information, thanks for the info, thanks for posting, thanks for the post, thanks for thanks for your post, thanks for your information, thanks a lot for sharing, thanks for providing, thank you for providing, thank you for posting, thank you for thanks for the great, thanks for such, many thanks for sharing, thanks for every other, thanks for another, thanks for one's, appreciate your, i appreciate, your blog, your blogs, your site, your website, your web site, your web page, your webpage, your weblog, your web, your post, your posts, your your your content, your information, your writing, your writing style, this web site, this web page, this webpage, this weblog, this piece of writing, this the blog, blog owner, site owner, webmaster, web owner, weblog, weblogs, web site, keep in touch, waiting for your next, next post, next write, more posts, more similar topic, same topic, bookmark, bookmarked, book marked, bookmarking, saved to my, rss, rss newsletter, subscribe your, visit again, will coming back, check back, return to, recommend share sharing shared facebook group, twitter followers, stumbled upon, stumbled across, stumbledupon, came across, i found i found your, found your site, found your blog, found while searching, google search, hats off, kudos, spot on, hit the nail, two thumbs up, i like your, i love your, i really like, i really love, i really enjoyed, i enjoyed reading, enjoyed reading, enjoy reading, pleasure to read, worth reading, must read, a must read, loved your, i am i'm i must say, i have to say, happy to, fastidious, magnificent, marvelous, remarkable, outstanding, extraordinary, insightful, thoughtful, thought provoking, in depth, i wanted to thank, i want to thank, wanted to say, just wanted to, i just wanted, wished to say,
        toller beitrag, toller artikel, guter artikel, schöner artikel, interessanter artikel, super beitrag, weiter so, tolle seite, article intéressant, merci pour ce partage, merci pour le partage, bon super très bon beau blog, excellent votre blog, votre site, buen artículo, excelente artículo, muy buen post, buena información, gracias por compartir, muy interesante, tu blog, su blog, ótimo artigo, excelente artigo, ótimo post, parabéns pelo, muito bom, obrigado por compartilhar, seu blog, artikel yang bagus, terima kasih infonya, sangat bermanfaat, bermanfaat, artikelnya, infonya, artikel bagus, blog anda, situs ini, güzel yazı, teşekkürler, спасибо за, отличн* стать*, хорош* стать*, интересн* стать*, полезн*, полезная информация, ваш блог, ваш сайт, этот сайт, 好文章, 谢谢分享, 감사합니다""",
}

_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def has_cjk(text: str) -> bool:
    """True if `text` holds Chinese, Japanese or Korean letters."""
    return not text.isascii() and _CJK.search(text) is not None


def _clean(phrase: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+(?:['][^\W_]+)*\*?", phrase))


class Phrases:
    """All phrase groups, looked up word by word: cost grows with the words, not the phrases."""

    def __init__(self, groups: dict[str, str]) -> None:
        self.names = tuple(groups)
        self._starts: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        self._stems: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        cjk: dict[str, int] = {}
        for number, phrases in enumerate(groups.values()):
            for phrase in phrases.split(","):
                words = _clean(phrase.strip())
                if has_cjk(phrase):
                    cjk["".join(words)] = number
                elif words[0].endswith("*"):
                    self._stems.setdefault(words[0][:-1], []).append((words[1:], number))
                else:
                    self._starts.setdefault(words[0], []).append((words[1:], number))
        for table in (self._starts, self._stems):
            for entries in table.values():
                entries.sort(key=lambda entry: -len(entry[0]))  # the longest phrase wins
        self._stem_lengths = sorted({len(stem) for stem in self._stems})
        self._cjk = cjk
        self._cjk_pattern = re.compile("|".join(sorted(map(re.escape, cjk), key=len, reverse=True)))

    def find(self, words: Sequence[str], text: str = "") -> list[tuple[int, str]]:
        """Return (group number, phrase as written) for every phrase in `words`; `text` for CJK."""
        found = []
        starts, stems = self._starts, self._stems
        for i, word in enumerate(words):
            entries = starts.get(word)
            if entries is None and not word.isascii():
                for length in self._stem_lengths:
                    entries = stems.get(word[:length])
                    if entries is not None:
                        break
            if entries is None:
                continue
            for rest, number in entries:
                if not rest:
                    found.append((number, word))
                    break
                if _follows(words, i + 1, rest):
                    found.append((number, " ".join(words[i : i + 1 + len(rest)])))
                    break
        if text and has_cjk(text):
            found += [(self._cjk[m], m) for m in self._cjk_pattern.findall(text)]
        return found


def _follows(words: Sequence[str], start: int, rest: Iterable[str]) -> bool:
    for offset, wanted in enumerate(rest, start):
        if offset >= len(words):
            return False
        word = words[offset]
        if word != wanted and not (wanted[-1] == "*" and word.startswith(wanted[:-1])):
            return False
    return True


PHRASES = Phrases(GROUPS)
SELLING = frozenset(
    PHRASES.names.index(name) for name in GROUPS if name not in ("action", "praise", "subscribe")
)
"""Numbers of the groups that name something for sale."""

_STRONG = re.compile(
    "viagra|cialis|pharma|pills|drugs|casino|kasino|poker|slot|betting|bet\\d|\\dbet|judi|togel|bandar|loan|payday|credit|"
    "kredit|forex|bitcoin|crypto|invest|seo|backlink|rank|traffic|marketing|essay|writing|assignment|homework|dissertation|"
    "spell|psychic|astrolog|vashikaran|training|institute|academy|course|escort|sex|porn|xxx|adult|dating|girls|replica|rolex|"
    "outlet|cheap|discount|coupon|deal|shop|store|sale|buy|price|review|best|top\\d|pro\\b|online|service|solution|agency|"
    "company|insurance|lawyer|attorney|legal|clinic|dental|hair|weight|diet|keto|detox|vape|cbd|cannabis|travel|tour|hotel|"
    "taxi|limo|rental|realty|estate|property|roof|plumb|clean|repair|mover|packers|locksmith|jersey|shoes|watch|jewel|"
    "furniture|mattress|hosting|webdesign|apk|download|torrent|movie|iptv|hack|wallet|steroid|health|beauty|massage|spa\\b"
)


def goods_in_name(name: str) -> list[str]:
    """Return words for goods and trades inside a host or a name written together."""
    return _STRONG.findall(name)


_COUNTS = tuple(
    Feature(f"promo_{name}", 0, 2.5, f"phrases of the group {name} (log scale)") for name in GROUPS
)
FEATURES = (
    *_COUNTS,
    Feature("promo_density", 0, 1, "share of words in phrases that sell"),
    Feature("promo_groups", 0, 4, "groups of goods named"),
    Feature("promo_praise_share", 0, 1, "share of words in phrases of praise"),
    Feature("promo_only_praise", 0, 1, "hardly anything but praise"),
    Feature("promo_disguised", 0, 2, "goods written so that a filter would miss them (log scale)"),
    Feature("promo_praise_and_link", 0, 1, "praise together with a link"),
    Feature("promo_goods_and_link", 0, 1, "goods together with a link"),
    Feature("promo_goods_and_contact", 0, 1, "goods together with a telephone, e-mail or messenger"),
)
_PRAISE = PHRASES.names.index("praise")


def praise_in(hits: list[tuple[int, str]]) -> int:
    """Return how many of the phrases found are praise."""
    return sum(number == _PRAISE for number, _ in hits)


def hits_of(r: Reading) -> list[tuple[int, str]]:
    """Return every phrase found in the comment; none where the post's own author wrote it."""
    return [] if r.by_post_author else PHRASES.find(r.words, r.lower)


def values(r: Reading, hits: list[tuple[int, str]]) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`; `hits` are the phrases found by `hits_of`."""
    counts = [0] * len(PHRASES.names)
    praised = sold = 0
    for number, phrase in hits:
        counts[number] += 1
        length = phrase.count(" ") + 1
        if number == _PRAISE:
            praised += length
        elif number in SELLING:
            sold += length
    n = max(1, len(r.words))
    goods = sum(counts[number] for number in SELLING)
    hidden = r.body.leet_words + [
        w.lower() for w in (*r.body.mixed_script_words, *r.body.spaced_words)
    ]
    disguised = 0 if r.by_post_author else sum(number in SELLING for number, _ in PHRASES.find(hidden))
    contact = bool(r.body.phones or r.body.emails)
    return (
        *map(log1p, counts),
        sold / n,
        float(sum(counts[number] > 0 for number in SELLING)),
        praised / n,
        float(praised / n > 0.4 and n <= 60),
        log1p(disguised),
        float(praised > 0 and bool(r.links)),
        float(goods > 0 and bool(r.links)),
        float(goods > 0 and contact),
    )
