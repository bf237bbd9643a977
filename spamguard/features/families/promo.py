"""Promotional phrases in named groups, matched on whole words.

The phrases come from reading comment spam in several languages and were collected
by hand. A trailing ``*`` matches any ending (``кредит*``). Chinese, Japanese and
Korean have no spaces between words, so their phrases match anywhere and are long
enough not to occur inside other words. Of overlapping phrases the first and
longest counts, and its words count once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log1p

from spamguard.features.patterns import late
from spamguard.features.reading import Reading, messengers_in
from spamguard.features.schema import Feature
from spamguard.features.text import words_of

GROUPS: dict[str, str] = {
    "pharma": """
        viagra, cialis, levitra, sildenafil, tadalafil, vardenafil, avanafil, kamagra, cenforce, fildena, vidalista, generic pills, buy pills,
        order pills, pills online, cheap pills, ed pills, xanax, alprazolam, valium, diazepam, klonopin, lorazepam, zopiclone, zolpidem, tramadol,
        ambien, phentermine, adderall, ritalin, percocet, vicodin, codeine, fentanyl, ketamine, suboxone, oxycontin, oxycodone, hydrocodone,
        carisoprodol, modafinil, armodafinil, provigil, nuvigil, priligy, dapoxetine, clomid, nolvadex, propecia, finasteride, accutane,
        isotretinoin, prednisone, prednisolone, amoxicillin, zithromax, azithromycin, doxycycline, ivermectin, hydroxychloroquine, plaquenil,
        metformin, lasix, neurontin, gabapentin, zoloft, lexapro, augmentin, diflucan, synthroid, lyrica, pregabalin, ozempic, semaglutide, wegovy,
        mounjaro, tirzepatide, pharmacy, pharmacies, online drugstore, canadian drugs, without prescription, without a prescription, no prescription,
        no rx, over the counter pills, erectile, erectile dysfunction, impotence, premature ejaculation, male enhancement, male enhancement pills,
        penis, penis enlargement, penis pump, penis size, libido, potency, testosterone booster, anabolic steroids, steroids, hgh, sarms,
        weight loss, weight loss pills, weight loss supplement, weight loss supplements, lose weight, lose weight fast, fat burner, fat burners,
        fat burning, appetite suppressant, diet pill, diet pills, slimming, slimming pills, keto gummies, keto pills, detox tea, garcinia,
        garcinia cambogia, cbd, cbd oil, cbd gummies, hemp oil, kratom, nootropics, cure for herpes, cure herpes, cured me of herpes,
        cured my herpes, herbal cure, herbal medicine, herbal medicines, herbal remedy, herbal remedies, herbal doctor, hiv cure, cure for hiv,
        herpes virus, dr sebi, hair loss, hair loss treatment, hair transplant, hair regrowth, teeth whitening, botox, dental implants,
        dental implant, rehab center, rehab centre, drug rehab, anti aging cream, skin whitening, breast enlargement, abnehmen, schnell abnehmen,
        potenzmittel, apotheke, rezeptfrei, ohne rezept, diätpillen, pharmacie en ligne, sans ordonnance, maigrir, perdre du poids, farmacia online,
        farmacia en línea, sin receta, adelgazar, bajar de peso, disfunción eréctil, sem receita, emagrecer, perder peso, disfunção erétil,
        obat kuat, obat herbal, obat pembesar, pembesar penis, pelangsing, obat aborsi, cytotec, zayıflama hapı, cinsel güç, bez recepty,
        odchudzanie, tabletki na odchudzanie, leki na potencję, препарат*, таблетк*, аптек*, дженерик*, потенция, потенции, потенцию, для потенции,
        похудени*, похудеть, наркологи*, наркоман*, алкоголизм*, вывод из запоя, виагр*, сиалис*, 伟哥, 壮阳药, 減肥藥, 减肥药, 减肥产品, 快速减肥, 催情药, 비아그라, 시알리스,
        발기부전, 정력제, 다이어트약, バイアグラ, シアリス, 精力剤, ダイエットサプリ""",
    "gambling": """
        casino, casinos, kasino, kasyno, kasyna, cassino, cassinos, online casino, online casinos, poker, online poker, roulette, blackjack,
        baccarat, slot machine, slot machines, online slots, slots online, slot games, slot game, free slots, casino slots, slot online, slot gacor,
        slot88, gacor, maxwin, jackpot, jackpots, bookmaker, bookmakers, bookies, sportsbook, sportsbooks, sports betting, sport betting, betting,
        betting site, betting sites, betting tips, online betting, bet now, bet online, betting odds, free spins, free bets, free bet,
        no deposit bonus, deposit bonus, welcome bonus, gambling, online gambling, fixed matches, togel, toto togel, judi, judi online, judi bola,
        bandar, bandarq, domino99, dominoqq, pkv games, sbobet, rtp slot, rtp live, deposit pulsa, agen bola, agen judi, taruhan, taruhan bola,
        situs slot, situs judi, sabung ayam, bola tangkas, sportwetten, wettanbieter, wettbonus, online wetten, spielautomat*, spielothek*,
        paris sportifs, pari sportif, casino en ligne, machines à sous, apuestas, apuestas deportivas, tragamonedas, tragaperras, casino en línea,
        apostas, apostas esportivas, apostas online, caça níqueis, jogo do tigrinho, scommesse, bahis, bahis sitesi, bahis siteleri, kaçak bahis,
        canlı bahis, deneme bonusu, kumar sitesi, kumar siteleri, kumar oyna, iddaa, zakłady bukmacherskie, bukmacher, bukmacherzy, казино,
        букмекер*, ставк*, рулетк*, игровые автоматы, игровых автоматов, игровых автоматах, игровым автоматам, покер, казино вулкан, вулкан казино,
        клуб вулкан, вулкан рояль, пин ап, 1xbet, 1win, mostbet, melbet, vavada, parimatch, fun88, w88, dafabet, 188bet, bet365, 918kiss, joker123,
        pragmatic play, pin up casino, pin up bet, pin up kz, pin up az, pinup casino, nhà cái, cá cược, xổ số, lô đề, đánh bạc, soi cầu, tài xỉu,
        nổ hũ, kèo nhà cái, 博彩, 赌场, 彩票平台, 彩票网, 时时彩, 六合彩, 北京赛车, 百家乐, 老虎机, 娱乐城, 真人娱乐, 棋牌平台, 体育投注, 网上投注, 카지노, 바카라, 토토 사이트, 스포츠 토토, 사설 토토, 안전 토토, 메이저 토토,
        토토 추천, 토토 커뮤니티, 온라인 토토, 슬롯 머신, 슬롯 사이트, 온라인 슬롯, 먹튀, 파워볼, カジノ, スロット攻略, ブックメーカー""",
    "money": """
        loan, loans, payday, payday loan, payday loans, personal loan, personal loans, business loan, business loans, home loan, home loans,
        student loan, loan offer, loan offers, loan lender, loan lenders, loan company, loan firm, loan amount, loan application, apply for a loan,
        get a loan, got my loan, need a loan, urgent loan, instant loan, quick loan, loan without collateral, unsecured loan, lender, lenders,
        legitimate lender, borrow money, cash advance, fast cash, quick cash, bad credit, credit repair, credit report, credit score fixed,
        debt consolidation, debt relief, refinance, mortgage, mortgages, low interest, low interest rate, interest rate of, 2 interest rate,
        3 interest rate, financial assistance, financial freedom, financial help, invest with, invested with, investment plan, investment plans,
        investment platform, investment company, investment opportunity, return on investment, guaranteed profit, guaranteed returns, forex,
        forex trading, forex broker, forex trader, forex signals, binary option, binary options, binary trading, trading signals, trading platform,
        trading bot, copy trading, trade with, my broker, account manager, expert account manager, crypto investment, crypto trading,
        cryptocurrency investment, cryptocurrency trading, buy bitcoin, bitcoin investment, bitcoin investor, bitcoin mining, bitcoin wallet,
        bitcoin trading, invest in bitcoin, bitcoin profit, bitcoin billionaire, minimum deposit, passive income, extra income, extra cash,
        online income, side hustle, second income, make money, make money online, making money online, make extra money, earn money,
        earn money online, earning online, earn online, earn from home, earn per day, earn up to, low on money, surveys for cash, filling in surveys, pay my bills, work from home, work at home, home based business,
        weekly profit, weekly profits, daily profit, daily profits, double your, get rich, get rich quick, millionaire, be your own boss, cash app,
        cash app flip, cashapp flips, western union, money transfer, paypal transfer, blank atm, blank atm card, blank atm cards, atm card,
        atm cards, blank card, clone card, clone cards, cloned cards, programmed card, bank logs, cvv dumps, fullz, usdt, airdrop, nft drop,
        token sale, presale, kredit, kredite, darlehen, geld verdienen, geld leihen, online geld verdienen, sofortkredit, kredit ohne schufa,
        prêt entre particulier, prêt entre particuliers, prêt d'argent, prêt personnel, crédit rapide, crédit en ligne, gagner de l'argent,
        offre de prêt, offre de crédit, préstamo, préstamos, préstamos personales, crédito rápido, créditos rápidos, ganar dinero,
        ganar dinero online, dinero extra, invertir en, empréstimo, empréstimos, empréstimo pessoal, ganhar dinheiro, ganhar dinheiro online,
        renda extra, prestiti, prestito, pinjaman, pinjaman online, pinjol, dana cepat, kerja dari rumah, kredi başvurusu, para kazan, para kazanma,
        evde ek iş, pożyczka, pożyczki, chwilówki, kredyt gotówkowy, zarabiaj online, кредит*, займ, займы, займа, займов, займам, микрозайм*, заем,
        ипотек*, заработок, заработк*, заработать, зарабатыва*, пассивн* доход*, стабильн* доход*, дополнительн* доход*, доход от, инвестиц*,
        инвестир*, криптовалют*, биткоин*, форекс, бинарн* опцион*, брокер*, трейдинг*, трейдер*, деньги в долг, обнал*, 贷款, 投资理财, 投资平台, 投资项目, 网上赚钱,
        赚钱项目, 在家赚钱, 轻松赚钱, 兼职赚钱, 网络兼职, 招兼职, 日结工资, 刷单, 신용대출, 소액대출, 당일대출, 담보대출, 무직자 대출, 대출 상담, 대출 문의, 대출 가능, 대출 이자, 코인 투자, 코인 리딩, 재테크 방법, 고수익 알바, 副業,
        即日融資""",
    "seo": """
        seo, seo services, seo service, seo company, seo agency, seo expert, seo experts, seo packages, seo tools, seo tips, local seo,
        search engine optimization, search engine optimisation, backlink, backlinks, quality backlinks, link building, guest post, guest posts,
        guest posting, guest blogging, sponsored post, sponsored posts, link exchange, exchange links, link insertion, link swap, dofollow, pbn,
        domain authority, page rank, rank your, rank your website, rank higher, ranking on google, rank on google, first page of google,
        page one of google, top of google, google ranking, google rankings, search rankings, search engine rankings, search engine results,
        increase traffic, increase your traffic, website traffic, targeted traffic, organic traffic, buy traffic, more traffic, more visitors,
        web traffic, boost your, boost your website, digital marketing, digital marketing agency, digital marketing company,
        digital marketing services, internet marketing, online marketing, affiliate marketing, affiliate program, affiliate programs,
        email marketing, social media marketing, content marketing, lead generation, email list, email lists, bulk email, bulk sms, web design,
        web designing, web designer, website design, website designing, website development, web development company, web development services,
        mobile app development company, web hosting, cheap hosting, reseller hosting, software house, app development company,
        software development company, buy followers, buy instagram followers, instagram followers, tiktok followers, buy likes, buy views,
        youtube views, buy subscribers, followers and likes, monetize your, monetize your blog, adsense alternative, contact form submissions,
        unique content, article writer, article rewriter, article spinner, article spinning, spin syntax, copyscape, plagorism,
        suchmaschinenoptimierung, webdesign agentur, seo agentur, linkaufbau, référencement, référencement naturel, agence seo, agence web,
        création de site, création de sites, posicionamiento web, posicionamiento seo, diseño web, agencia de marketing, marketing digital,
        criação de sites, criação de site, otimização de sites, agência de marketing, jasa seo, jasa backlink, jasa website, jasa pembuatan website,
        beli followers, seo hizmeti, takipçi satın al, web tasarım, pozycjonowanie, pozycjonowanie stron, tworzenie stron, продвижени* сайт*,
        продвижени* в, поисков* продвижени*, раскрутк*, накрутк*, оптимизац* сайт*, поисков* оптимизац*, seo оптимизац*, прогон сайта, прогон по,
        создание сайтов, разработка сайтов, хрумер*, xrumer, трафик на сайт, 网站优化, 搜索引擎优化, 关键词优化, 排名优化, 网络推广, 网站推广, 推广服务, 网站建设, 上位表示, seo対策, 백링크,
        상위노출, 검색엔진최적화""",
    "essay": """
        essay writing, essay writing service, essay service, write my essay, write my paper, write my essay for me, essay writer, essay writers,
        essay help, custom essay, custom essays, custom writing, college essay, college essays, buy essay, buy essays, cheap essay, term paper,
        term papers, dissertation help, dissertation writing, thesis writing, thesis help, coursework help, homework help, assignment help,
        assignment helper, assignment writing, assignment expert, assignment experts, do my homework, do my assignment, nursing paper,
        academic writing, academic help, academic papers, paper writing, paper writing service, writing service, writing services, case study help,
        exam help, take my class, take my exam, take my online class, online class help, plagiarism free, proofreading services, editing services,
        ghostwriter, ghostwriters, ghostwriting, ghostwriting services, book writing, book writing services, resume writing, resume writing services,
        cv writing, hausarbeit schreiben, bachelorarbeit schreiben, rédaction de mémoire, rédaction web, trabajos académicos, hacer tesis,
        monografia pronta, tcc pronto, jasa skripsi, tez yazdırma, pisanie prac, prace licencjackie, курсов* работ*, курсов* на заказ,
        купить курсов*, дипломн* работ*, диплом* на заказ, купить диплом, диссертаци*, реферат*, контрольн* работ*, 论文代写, 代写论文, 代写文章, 代写作业, 作业代写,
        代写服务, 论文代发, 논문 대필, 論文代行""",
    "spells": """
        spell, spells, spell caster, spell casters, spellcaster, spell cast, spell casting, love spell, love spells, love spell caster, death spell,
        divorce spell, marriage spell, money spell, lottery spell, lottery spells, powerful spell, powerful spell caster, protection spell,
        cast a spell, cast a love spell, magic spell, black magic, black magic specialist, voodoo, witchcraft, witch doctor, spiritual power,
        spiritual powers, spiritual help, spiritual father, psychic, psychics, psychic reading, psychic readings, psychic reader, fortune teller,
        astrologer, astrologers, famous astrologer, best astrologer, indian astrologer, horoscope reading, vashikaran, vashikaran specialist,
        vashikaran mantra, love problem, love problems, love problem solution, husband wife problem, love marriage specialist, kala jadu, tantrik,
        molvi, baba ji, guru ji, pandit ji, lost love back, lost love spell, bring back my ex, bring back your ex, bring back lost love,
        get my ex back, get your ex back, get back my ex, get ex back, win back your ex, ex back, ex lover, ex lover back, my ex lover,
        ex husband back, ex boyfriend back, ex girlfriend back, ex wife back, lost love, lost lover, lost lovers, return my lover, save my marriage,
        save your marriage, restore my marriage, restore your marriage, broken marriage, broken relationship, great healer, native doctor,
        spiritual healer, traditional healer, herbalist, lottery numbers, winning numbers, win the lottery, won the lottery, mega millions,
        powerball, illuminati, join the illuminati, illuminati brotherhood, great illuminati, join the brotherhood, occult, join occult,
        money ritual, hellseher, liebeszauber, partnerrückführung, kartenlegen, marabout, voyant, voyante, voyance, médium voyant, retour affectif,
        retour d'affection, retour de l'être aimé, envoûtement, magie noire, magie blanche, amarre, amarres, amarres de amor, brujo, brujería,
        hechizo*, tarot, videncia, vidente, hechizos de amor, amarração, amarração amorosa, trazer o amor, dukun, pelet, ilmu pelet, pesugihan,
        medyum, bağlama büyüsü, aşk büyüsü, rytuał miłosny, urok miłosny, wróżka online, приворот*, гадани*, ясновид*, экстрасенс*, снять порчу,
        любовн* маги*, 占卜师, 爱情降头, 부적 제작, 霊視占い, lottery winner, win lottery, lottery spell caster""",
    "testimonial": """
        i want to share my testimony, share my testimony, sharing my testimony, share this testimony, share a testimony, my testimony,
        this testimony, testimony, testimonies, here to testify, i want to testify, i am here to testify, i will testify, testifying, testify about,
        testify to the, want to share my experience with, let me share my experience, i never believed in, i was skeptical at first, changed my life,
        changed my life for good, my life is back, i am so happy now, all thanks to dr, thanks to dr, thank dr, thank you dr, thanks to doctor,
        i came across a testimony, i saw a testimony, read a testimony, saw a comment about, good work of dr, with the help of dr, a man called dr,
        a man named dr, brought back my husband, brought back my ex, brought my husband back, brought my ex back, bring my husband back,
        brought back my wife, brought back my lover, how i got my ex back, how i got my husband back, how i got my wife back, i got my ex back,
        got my ex back, got my husband back, got my wife back, my husband came back, my husband left me, my boyfriend left me, my ex husband,
        my ex came back, came back to me begging, begging me, begging for forgiveness, apologizing and begging, saved my marriage,
        restored my marriage, saved my relationship, restored my relationship, i was cured, cured me, got cured, cured completely, completely cured,
        tested negative, i was diagnosed with, recovery expert, recovery experts, recovery agent, recovery company, recovery firm,
        recovery specialist, recovery hacker, asset recovery, funds recovery, fund recovery, crypto recovery, crypto recovery expert,
        bitcoin recovery, bitcoin recovery expert, recover my bitcoin, recover your bitcoin, recover my funds, recover your funds,
        recover your money, recover lost funds, recover stolen, recover lost bitcoin, recovered my stolen bitcoin, recovered my bitcoin,
        recovered my money, recovered my funds, recovered all my, helped me recover, helped me to recover, help you recover, helped me get back,
        get back my money, lost bitcoin, lost my bitcoin, stolen bitcoin, stolen crypto, stolen funds, scammed of, scammed me, i lost all my,
        scam victim, victim of a scam, victims of scam, got my money back, fake broker, fake brokers, fraudulent broker, hire a hacker,
        hired a hacker, hiring a hacker, need a hacker, professional hacker, professional hackers, ethical hacker, ethical hackers, certified hacker,
        genuine hacker, reliable hacker, trusted hacker, real hacker, legit hacker, hacking services, hack services, hacker for hire, hacked into my,
        spy on, spy on your, cheating spouse, cheating partner, phone hack, whatsapp hack, facebook hack, hack whatsapp, hack facebook, clone phone,
        cloned my husband, change grades, change your grades, upgrade school grades, erase criminal record, clear criminal record,
        increase credit score, boost my credit score, fix my credit, ich möchte mein zeugnis teilen, je témoigne, mon témoignage, je veux témoigner,
        il a ramené mon, mi testimonio, quiero dar mi testimonio, recuperar a mi ex, recuperé a mi, meu testemunho, quero dar meu testemunho,
        trouxe meu marido de volta, kesaksian saya, 他帮我挽回, 나의 간증, he helped me recover, dr cured me, contact him through,
        this great man, god bless you dr""",
    "training": """
        training institute, training institutes, training academy, training center, training centers, training centre, training course,
        training courses, training program in, course in, courses in, best institute, best training, best training institute, top institute,
        coaching classes, coaching center, coaching centre, coaching institute, coaching in, online training, online training course, online course,
        online courses, diploma in, diploma course, tuition classes, home tutor, private tutor, certification course, certification courses,
        certification training, certification exam, exam dumps, exam braindumps, braindumps, practice dumps, pdf dumps, job oriented,
        job oriented course, placement assistance, placement support, placement guarantee, 100 placement, 100 job, job guarantee, job assistance,
        classroom training, corporate training, industrial training, real time training, real time experts, real time projects, expert trainers,
        experienced trainers, certified trainers, tutors, free demo class, enroll now, enrol now, in pune, btm layout, in delhi, in dubai, in mumbai,
        in lahore, in karachi, in jaipur, in coimbatore, in kolkata, in indore, in chandigarh, admissions, admission open, study abroad, scholarship,
        scholarships, career opportunities, ausbildung zum, weiterbildung in, formation professionnelle, cursos online, curso online, cursos gratis,
        kursus, bootcamp, telkom fakultas, telkom university, kuliah, universitas, pelatihan, bimbel, eğitim kursu, kurs online, szkolenia online,
        обучени* на, обучение по, онлайн курс*, курсы, вебинар*, 培训班, 培训机构, 学员就业, 학원 추천, 자격증 취득, in chennai, in bangalore, in bengaluru,
        in hyderabad, in noida, in gurgaon, in marathahalli, in velachery, in ameerpet, training in chennai, training in bangalore,
        training in hyderabad, training in delhi, training in noida, training in pune, certification training in, java training, python training,
        selenium training, aws training, devops training""",
    "adult": """
        escort, escorts, escort service, escort services, escort girl, escort girls, escort agency, female escorts, russian escorts,
        independent escorts, call girl, call girls, call girls in, call girl service, sexy, sexy girls, porn, porno, porn videos, porn video,
        free porn, porn site, pornography, pornstar, xxx, xxx videos, nude, nudes, naked girls, webcam girls, live cams, cam girls, cam girl,
        camgirl, camgirls, sex chat, sex cam, sex cams, sex video, sex videos, sex dating, phone sex, sex toy, sex toys, sex doll, sex dolls, dildo,
        dildos, hookup, hook up with, hookups, one night stand, milf, milfs, anal, hentai, erotic, erotic massage, onlyfans, my onlyfans,
        adult dating, adult toys, adult content, adult chat, dating site, dating sites, dating app, dating apps, online dating, meet singles,
        single girls, single ladies, lonely girls, hot girls, hot girl, beautiful girls, russian brides, ukrainian brides, mail order bride,
        mail order brides, sugar daddy, sugar baby, sugar mummy, sugar mommy, body massage, nuru massage, happy ending massage, sexcam, sexkontakte,
        prostituierte, nutten, huren, escort damen, plan cul, rencontre coquine, site de rencontre, putas, prepagos, sexo, videos porno,
        relatos eróticos, contactos mujeres, acompanhantes, garotas de programa, vídeos pornô, bokep, video bokep, ngentot, memek, seks, eskort,
        escort bayan, bayan escort, porno izle, sikiş, anonse erotyczne, sex randki, prostytutki, секс*, порно*, эротик*, эротическ*, проститут*,
        шлюх*, интим*, знакомств*, индивидуалк*, путан*, вебкам*, 色情片, 色情网站, 色情视频, 成人影片, 成人视频, 成人网站, 成人电影, 成人用品, 约炮, 裸聊, 一夜情, 섹스 파트너, 섹스 동영상, 폰섹스,
        출장 안마, 출장 마사지, 출장샵, 출장 서비스, 건마, 야동, 조건만남, アダルトビデオ, アダルトサイト, アダルト動画, 出会い系, セフレ募集, dating service, dating services, dating women, dating girls,
        rencontres coquines, rencontres sexe, hookup sites""",
    "goods": """
        replica, replicas, replica watch, replica watches, replica bags, replica handbags, rolex, rolex replica, rolex watches, louis vuitton,
        louis vuitton outlet, gucci, gucci bags, prada bags, prada handbags, chanel bag, chanel bags, chanel handbags, hermes bag, hermes bags,
        birkin bag, michael kors, michael kors outlet, ray ban, ray bans, oakley sunglasses, oakleys, cheap oakley, nike shoes, nike air,
        nike outlet, air jordan, air jordans, air max, jordans, adidas shoes, yeezy, yeezys, moncler, canada goose, north face jackets, uggs,
        ugg boots, tiffany jewelry, tiffany outlet, tiffany and co, swarovski, pandora jewelry, pandora charms, nfl jerseys, nba jerseys, jerseys,
        cheap jerseys, wholesale, wholesale jerseys, wholesale price, wholesale prices, wholesaler, wholesalers, designer handbags, designer bags,
        handbags, outlet, outlet store, outlet online, factory outlet, leather jackets, leather jacket, leather bags, cheap sneakers, cheap,
        cheapest, cheap price, cheap prices, cheapest price, cheap rates, best price, best prices, best rates, lowest price, lowest prices,
        low price, low prices, competitive price, competitive prices, affordable price, affordable prices, affordable rates, reasonable price,
        reasonable prices, reasonable rates, discount, discounts, discounted, discounted price, big discount, huge discount, coupon, coupons,
        coupon code, coupon codes, promo code, promo codes, discount code, discount codes, voucher code, free shipping, free delivery, fast delivery,
        same day delivery, buy now, buy online, buy cheap, where to buy, order now, order online, shop now, shop online, online store, online stores,
        online shop, online shops, online shopping, black friday deals, money back guarantee, 100 satisfaction, satisfaction guaranteed,
        limited offer, special offer, special offers, exclusive offer, exclusive offers, best deal, best deals, great deals, hot deals, free trial,
        free samples, supplier, suppliers, manufacturer, manufacturers, leading manufacturer, exporter, exporters, importers, movers,
        packers and movers, movers and packers, moving company, moving companies, moving services, house removals, removals company, plumber,
        plumbers, plumbing services, electrician, electricians, locksmith, locksmiths, roofing, roofing contractor, roofing company, roof repair,
        roofers, carpet cleaning, carpet cleaning services, house cleaning, cleaning services, cleaning service, cleaning company, house maid,
        house maid service, maid service, pest control, landscaping, landscaping services, tree service, tree removal, garage door,
        garage door repair, garage doors, water damage, water damage restoration, hvac, hvac repair, air conditioning repair, ac repair,
        appliance repair, iphone repair, towing, towing service, junk removal, dumpster rental, bathroom remodeling, kitchen remodeling,
        kitchen remodel, home remodeling, home renovation, home improvement services, solar panels installation, interior design, interior designer,
        interior designers, event management company, wedding planner, wedding photographer, wedding photography, limo, limo service, limousine,
        limousine service, taxi service, cab service, car rental, rent a car, car hire, car service, bus rental, airport transfer, airport transfers,
        used cars, cash for cars, scrap cars, junk cars, tempo traveller, car insurance, life insurance, auto insurance, health insurance quotes,
        insurance quotes, cheap insurance, insurance company, real estate, real estate agent, real estate agents, realtor, realtors, property dealer,
        luxury apartments, apartments for rent, flats for sale, bhk flats, lawyer, lawyers, attorney, attorneys, law firm, injury lawyer,
        injury lawyers, injury attorney, divorce lawyer, divorce attorney, immigration lawyer, bookkeeping, bookkeeping services, tax services,
        accounting services, payroll services, travel agency, tour operator, tour packages, tour package, honeymoon package, honeymoon packages,
        holiday packages, cheap flights, cheap tickets, flight booking, flight tickets, hotel booking, book hotel, visa services, visa consultants,
        immigration consultants, ielts certificate, buy ielts, driving license, drivers license, driver's license, fake passport, fake passports,
        buy passport, fake id, fake ids, fake documents, counterfeit, counterfeit money, counterfeit bills, counterfeit notes, fake money,
        ssd chemical, vape, vapes, vape shop, vape pen, e liquid, e juice, marijuana, buy weed, weed online, cannabis, thc, thc cartridges,
        dispensary, shrooms, magic mushrooms, cocaine, buy cocaine, mdma, lsd, dmt, photo editing services, clipping path, clipping path service,
        background removal service, custom t shirts, t shirts online, hoodie, hoodies, perfume, perfumes, jewelry, jewellery, wigs, hair extensions,
        mattress, mattresses, furniture shop, furniture store, office furniture, essential oils, hot tub, hot tubs, massage, spa packages,
        cctv camera, cctv cameras, led lights, led strip, power bank, power banks, pcb assembly, pcb manufacturing, cnc machining, injection molding,
        sheet metal fabrication, custom boxes, packaging boxes, custom packaging, vending machines, 3d printing service, billig, billige,
        günstig kaufen, günstig bestellen, günstige, günstige preise, kaufen, online kaufen, jetzt kaufen, rabatt, rabattcode, gutschein, gutscheine,
        gutscheincode, schlüsseldienst, umzugsfirma, umzugsunternehmen, umzug, umzüge, entrümpelung, reinigungsfirma, gebäudereinigung, handwerker,
        kammerjäger, autoankauf, pas cher, moins cher, soldes, livraison gratuite, code promo, acheter en ligne, devis, devis gratuit, plombier,
        serrurier, serrurerie, déménagement, électricien, dépannage, barato, baratos, barata, baratas, al mejor precio, ofertas, descuento,
        descuentos, comprar, comprar online, envío gratis, tienda online, cerrajero, cerrajeros, mudanzas, fontanero, fontaneros, desconto,
        descontos, promoção, frete grátis, loja online, melhor preço, desentupidora, dedetizadora, jual, dijual, beli, murah, harga murah, termurah,
        harga, diskon, terpercaya, jasa, sewa, rental mobil, distributor, pabrik, toko online, grosir, gratis ongkir, ucuz, en ucuz, indirim,
        indirim kodu, satılık, kiralık, nakliyat, evden eve nakliyat, su tesisatçısı, çilingir, halı yıkama, tanie, tanio, najtaniej, sklep,
        sklep internetowy, kupić, na sprzedaż, kod rabatowy, hurtownia, przeprowadzki, купить, куплю, продам, продажа, продаж*, заказать, закажите,
        на заказ, под заказ, недорог*, дешев*, скидк*, промокод*, по цене, по ценам, по низким ценам, низк* цен*, выгодн* цен*, лучш* цен*, цены на,
        цена на, доставк*, интернет магазин*, оптом, ремонт*, под ключ, монтаж окон, монтаж кровли, монтаж отопления, строительство домов,
        строительная компания, аренд*, такси, эвакуатор*, сантехник*, натяжн* потол*, пластиков* окна, окна пвх, входн* двер*, межкомнатн* двер*,
        мебел*, недвижимост*, квартир* посуточно, снять квартир*, купить квартир*, квартир* в новостройк*, горящие туры, туры, путевк*, юрист*,
        юридическ*, адвокат*, бухгалтерск*, гарантия качества, с гарантией, грузоперевозк*, грузчик*, металлопрокат*, 优惠券, 优惠价格, 优惠活动, 价格优惠, 最低价,
        在线购买, 立即购买, 点击购买, 购买链接, 代购, 批发价, 厂家直销, 厂家批发, 厂家供应, 现货供应, 办证刻章, 代办证件, 할인 쿠폰, 할인 코드, 할인 판매, 할인 구매, 구매 할인, 구매 대행, 구매 문의, 최저가, 특가 판매, 무료 배송, 激安,
        通販, 送料無料, 最安値, for sale online, cheap sneakers online""",
    "services": """
        we offer, we offer the best, we also offer, we are offering, we provide, we provide the best, we also provide, we are providing,
        we specialize in, we specialise in, we are specialized in, we are specialised in, specializes in, specialises in, specializing in,
        specialising in, specialized in providing, we deal in, we have a team of, we are a team of, our team of experts, our team of professionals,
        our team of experienced, our expert team, our professionals, our technicians, our specialists, team of experts, team of experienced,
        team of professionals, experienced team, experienced professionals, highly skilled, highly qualified, highly experienced,
        skilled professionals, qualified professionals, certified professionals, licensed and insured, our services, our products, our company,
        our clients, our customers, our agency, our firm, our shop, our online store, our courses, our solutions, our goal is to, our mission is to,
        our aim is to, range of services, range of products, services include, services including, services such as, best services, best service,
        best service provider, service provider, service providers, services provider, solutions provider, solution provider, quality services,
        professional services, professional service, affordable services, affordable service, reliable service, reliable services,
        top notch services, one stop solution, one stop shop, end to end solutions, complete solutions, customized solutions, custom solutions,
        business solutions, it solutions, it company, consulting services, consultancy services, installation services, repair services,
        maintenance services, outsourcing company, development services, design services, leading company, leading companies, leading provider,
        leading providers, leading supplier, top company, top companies, best company, best companies, reputed company, reputable company,
        trusted company, professional company, best agency, top rated, high quality products, high quality services, over 10 years,
        decades of experience, customer satisfaction, client satisfaction, satisfied customers, satisfied clients, happy clients, to meet your needs,
        tailored to your needs, your business needs, grow your business, promote your business, help your business, take your business,
        your home or office, look no further, you have come to the right place, you've come to the right place, are you looking for,
        if you are looking for, if you're looking for, if you are searching for, looking for the best, looking for a reliable, in search of the best,
        get a quote, get a free quote, get free quote, request a quote, free quote, free quotes, free estimate, free estimates, free consultation,
        book a consultation, book an appointment, schedule an appointment, make an appointment, contact us today, contact us for, contact us now,
        call us today, visit our website, visit our site, visit our page, visit our store, visit our shop, visit our office, check out our website,
        check our website, browse our, 24 7 support, 24 7 service, available 24 7, 24 hours a day, customer care, customer service team, book now,
        book online, hire us, hire now, wir bieten, wir bieten ihnen, unsere dienstleistungen, unsere leistungen, unser team, unsere firma,
        unser unternehmen, unsere produkte, unser angebot, ihr partner für, ihr experte für, kostenloses angebot, kostenlose beratung,
        jetzt anfragen, nous proposons, nous offrons, nous vous proposons, nos services, notre entreprise, notre société, notre équipe, nos produits,
        nos experts, demande de devis, n'hésitez pas à nous contacter, ofrecemos, le ofrecemos, nuestros servicios, nuestra empresa, nuestro equipo,
        nuestros productos, somos una empresa, pida presupuesto, presupuesto sin compromiso, empresa líder, oferecemos, nossos serviços,
        nossa empresa, nossa equipe, nossos produtos, somos uma empresa, orçamento grátis, solicite um orçamento, offriamo, i nostri servizi,
        kami menyediakan, kami menawarkan, kami melayani, layanan kami, produk kami, perusahaan kami, jasa kami, melayani, biz sunuyoruz,
        hizmetlerimiz, firmamız, ürünlerimiz, hizmet vermekteyiz, fiyat teklifi, oferujemy, nasze usługi, nasza firma, nasze produkty, zapraszamy do,
        zapraszamy na, świadczymy usługi, предлагаем, мы предлагаем, наша компания, нашей компании, наша фирма, наши специалисты, наших специалистов,
        наши услуги, наши клиенты, услуг*, оказываем, широкий ассортимент, большой ассортимент, в наличии и под заказ, опытные специалисты,
        профессиональн* услуг*, бесплатн* консультац*, оставьте заявку, оставить заявку, 我们提供, 我公司, 本公司, 我们的服务, 专业提供, 专业服务, 欢迎咨询, 免费咨询, 저희 업체, 저희 회사,
        서비스를 제공, 상담 문의, 무료 상담, 弊社では, 当社では, お問い合わせください, wide range of services, wide range of products, full range of services, cater to all your,
        your trusted partner, contact us to get, our team will""",
    "apps": """
        download the app, download our app, download this app, download app, install the app, install our app, free app, apk, apk file, mod apk,
        modded apk, apk download, download apk, unlimited gems, unlimited coins, free gems, free coins, free robux, free v bucks, free diamonds,
        hack tool, cheat tool, online generator, gift card, gift cards, free gift card, free gift cards, cracked version, crack download, serial key,
        serial keys, license key, license keys, activation key, activation keys, product key, full version, full crack, free download, download free,
        download here, download now, direct download, torrent download, watch online, watch free, watch full, watch movies online, watch live,
        full movie, full movies, full episodes, free movies, free movie, movie download, streaming free, free streaming, live stream free, iptv,
        iptv subscription, iptv service, video downloader, mp3 download, mp3 downloader, referral code, referral link, referral bonus, invite code,
        sign up bonus, signup bonus, use my code, use my link, customer care number, customer support number, support number, support phone number,
        customer service number, customer service phone number, tech support number, technical support number, toll free, toll free number, helpline,
        helpline number, contact number, printer support, antivirus support, norton setup, norton support, mcafee activate, office setup,
        quickbooks support, quickbooks error support, wallet support, airlines customer service, airlines phone number, gratis herunterladen,
        kostenlos herunterladen, kostenloser download, télécharger gratuit, télécharger gratuitement, streaming gratuit, descargar gratis,
        descarga gratis, ver online gratis, película completa, baixar grátis, baixar aplicativo, assistir online, unduh, unduh gratis,
        download gratis, nonton film, nonton online, ücretsiz indir, bedava indir, apk indir, film izle, full izle, darmowe pobieranie,
        pobierz za darmo, скачать, скачать бесплатно, бесплатно скачать, смотреть онлайн, смотреть фильм*, фильм* онлайн, скачать фильм*,
        сериал* онлайн, смотреть сериал*, торрент*, бесплатно, 破解版, 破解下载, 免费下载, 下载地址, 下载链接, 点击下载, 注册机, 무료 다운로드, 무료 제공, 무료 체험, 무료 스트리밍, 무료 보기,
        다시보기 사이트, 無料ダウンロード, keygen download, serial keygen, crack keygen, use promo code, use coupon code""",
    "subscribe": """
        my channel, my youtube, my youtube channel, our channel, new channel, our youtube channel, subscribe to me, subscribe to my,
        subscribe to my channel, subscribe my, subscribe my channel, subscribe me, subscribe to our, sub to me, sub to my, sub me, subscribe back,
        sub back, sub for sub, sub 4 sub, sub4sub, please subscribe, plz subscribe, pls subscribe, more subscribers, subs, first subscriber,
        check out my, check out my channel, check my, check me out, checkout my, check this out, check out this, check out our, check our,
        my new song, my song, my songs, my new video, my new videos, my latest video, my music, my music video, my cover, my covers, my remix,
        my beats, my mixtape, my new album, my facebook, my facebook page, my instagram, my insta, my tiktok, my twitter, my web site, my web page,
        my webpage, my homepage, my home page, my weblog, my soundcloud, my spotify, my playlist, my vlog, my vlogs, my gaming channel, my telegram,
        look at my, feel free to visit my, also visit my, stop by my, our website, our web site, our site, our page, our blog, follow me,
        follow me on, follow us, follow us on, follow my, like my, like my page, like our page, like us, add me, add me on, watch my, listen to my,
        visit my, visit my channel, visit my site, visit my website, visit my blog, visit my page, visit my profile, vote for me, vote for us,
        give me a chance, take a look at my, have a look at my, thumbs up, thumb up, like this comment, thumbs up if, upvote, shout out, shoutout,
        schau auf meinem, meinen kanal, mein kanal, meinem kanal, meine seite, meine webseite, meine homepage, abonniert, abonniere, abonniert mich,
        folgt mir, ma chaîne, mon site, ma page, abonnez vous, abonne toi, suivez moi, suivez nous, suscribete, suscríbete, suscribanse, suscríbanse,
        sucscribe, subscribete, mi canal, mi página, mi web, sígueme, síguenos, meu canal, minha página, meu site, se inscreva, inscreva se,
        inscrevam se, me siga, siga nos, subcribe, subscibe, subsribe, subscrib, channel saya, channel aku, kunjungi blog saya, follow ig,
        follow back, kanalıma, kanalıma abone, abone ol, abone olun, beni takip, mój kanał, mojego kanału, moja strona, zasubskrybuj, subskrybujcie,
        łapka w górę, подписывайтесь, подписывайся, подпишись, подпишитесь, мой канал, моём канале, моем канале, на мой канал, на наш канал,
        наш канал, моя группа, ставьте лайк*, лайк и подписка, 订阅我, 订阅频道, 求订阅, 请订阅, 关注我, 关注公众号, 구독 부탁, 구독과 좋아요, 구독해 주세요, 구독 눌러, 내 채널, チャンネル登録""",
    "action": """
        click here, click the link, click this link, click on, click on the link, click on this link, click on my, click below, click the link below,
        clicking here, clicking on this link, just click, visit here, visit us, visit our, visit now, visit the site, visit the link,
        visit this site, visit this link, visit this website, visit this page, visit website, visit the website, go to this site, view here,
        read more here, learn more, learn more here, know more, know more about, to know more, for more info, for more information, for more details,
        find out more, check here, check it out, check it here, check out the link, check the link, check this link, check this website,
        check this site, get it here, get it now, get started, get started today, get yours, get yours now, grab your, grab yours, grab it now,
        claim your, claim now, here is the link, here is my link, link below, links below, link in bio, link in the bio, link here, try it now,
        try now, try it free, sign up, sign up now, sign up today, signup now, register now, register here, register today, join now, join us,
        join here, join today, join the group, join our group, join my, apply now, apply here, apply today, order today, start today, call now,
        call us, call us now, call today, call me, call me on, call or text, call or whatsapp, call toll free, text me, text him, text or call,
        dm me, dm for, inbox me, pm me, message me, hit me up, contact us, contact me, contact me on, contact him, contact him on, contact her,
        contact her on, contact them, contact them on, contact him via, contact now, contact today, contact via, kindly contact, you can contact,
        you can reach, you can email, email him, email him at, email her, email us, email us at, email me, email me at, email them, write him,
        write to him, reach out, reach out to, reach out to him, reach out to them, reach him, reach him on, reach her, reach them, reach us,
        reach me, get in touch, get in touch with, get in touch with us, whatsapp, whats app, whatsapp me, whatsapp number, whatsapp him,
        whatsapp us, on whatsapp, via whatsapp, telegram, on telegram, telegram channel, telegram group, viber, wechat, skype, hangouts, kik,
        on email, via email, via his email, his email, her email, mail address, gmail com, gmail dot com, hurry, hurry up, act now, act fast,
        don't miss, don't miss out, do not miss, don't hesitate, do not hesitate, feel free to contact, last chance, limited time,
        limited time offer, while stocks last, offer ends, 100 guaranteed, 100 genuine, 100 legit, legit, results guaranteed, guaranteed results, no risk, risk free,
        completely free, totally free, highly recommend, highly recommended, strongly recommend, i can vouch, hier klicken, klick hier, klicke hier,
        klicken sie, klicken sie hier, mehr erfahren, mehr infos, mehr informationen, weitere informationen, besuchen sie, besuchen sie unsere,
        besucht meine, kontaktieren sie, kontaktieren sie uns, rufen sie uns an, jetzt anmelden, melde dich an, cliquez ici, cliquez, cliquez sur,
        en savoir plus, plus d'infos, plus d'informations, contactez, contactez nous, contactez moi, contactez le, visitez, visitez mon site,
        visitez notre site, inscrivez vous, appelez nous, haga clic, haz clic, clic aquí, click aquí, más información, más info, visite nuestra,
        visita nuestra, visita mi, contáctenos, contáctanos, llámanos, regístrate, clique aqui, saiba mais, mais informações, acesse, acesse o link,
        visite nosso, entre em contato, entre em contacto, ligue agora, cadastre se, clicca qui, visita il sito, per maggiori informazioni, klik,
        klik disini, klik di sini, klik link, kunjungi, kunjungi website, hubungi, hubungi kami, daftar, daftar sekarang, info lebih lanjut,
        selengkapnya, buruan, tıkla, tıklayın, buraya tıklayın, hemen tıkla, bize ulaşın, iletişime geçin, üye ol, hemen ara, kliknij, kliknij tutaj,
        zobacz więcej, więcej informacji, skontaktuj się, zadzwoń, zarejestruj się, подробнее на, подробнее здесь, подробности на,
        подробная информация, подробн* на сайте, переходи, переходите, переходите по ссылке, жми, жмите, жми сюда, кликай, кликните, по ссылке,
        ссылка в профиле, по этой ссылке, на сайте, на нашем сайте, наш сайт, мой сайт, заходи*, посетите, звоните, позвоните, обращайтесь, пишите,
        пишите в, регистрируйся, регистрируйтесь, телеграм*, телеграмм*, вотсап*, ватсап*, успей*, торопитесь, 点击这里, 点击链接, 点击进入, 点击查看, 点击联系, 加微信, 微信号,
        微信联系, 加我微信, 扣扣号, 联系我们, 联系方式, 联系客服, 联系电话, 여기 클릭, 클릭하세요, 클릭 하세요, 링크 클릭, 카톡 문의, 카톡 상담, 카톡 아이디, 문의 주세요, 문의 환영, 문의 바랍니다, 텔레그램, 바로가기, 가입하세요,
        ここをクリック, こちらをクリック, クリックして, 詳しくはこちら""",
    "template": """
        a article writer for your, a post that can make, a post that will make, a writer for your, access consistently fast, access
        consistently rapidly, accomplish with woman gaga, after i clicked submit, agreement with me to post, all that over again, all the
        time maintain it, all the time used to, allowing for me, allowing for me to comment, alternatives for another platform, always care
        for it up, always maintain it up, an author for your, anyhow just wanted to say, anything you can advise, anyway just wanted to say,
        anyways just wanted to say, appeared to be on the, appreciated every bit of it, as much as you will, attractive portion of content,
        attractive section of content, aw this was, back again to read more, be back again to read, be delivering the following, both
        equally educative, brand new spin on, by way of my cousin, came across this during my, came here by searching, clearing my mind,
        clearing my thoughts, come more formerly again, completely defined, completely unique content, concerning tutoringand, content for
        your blog, cultureand, definitely believe that which, definitely consider that, did you create this website, do with lady gaga,
        download it from somewhere, due to its feature contents, due to its quality contents, due to this wonderful read, edginess over
        that, enjoyed account your blog, enjoyed every part of it, equally educative, equally educative and, every little bit of it,
        exchange for a link, excited to uncover this, exclusive content i've either, extra posts like this, few simple adjustements, figure
        out how to begin, finally someone writes about, finally something about, first 10 to 15 minutes, folks could take a signal, for new
        internet visitors, for new web visitors, for ones time, formatting issue or something, found this in my search, fresh spin on a,
        from so many numerous angles, get annoyed while, get irked while, getting my ideas out, getting my thoughts out, glad that you just
        shared, good arguments and, great arguments keep up, great delivery great arguments, happy that you shared, hard to argue with you,
        has some overlapping, having fastidious, having this problem or is it, he's tryiong none the less, hello colleagues, hello this is
        kinda, helpful piece of info, helpful piece of information, hey colleagues, hey there this is somewhat, hi my friend i, hope you get
        the problem, i am using net, i enjoy reading through, i love reading through, i say to you, i seriously believe this, i truly
        believe this, i truly think this, i want to say that, i would like to peer, i'd be a good asset, i'd care to find out, i'd like to
        find out, i'd like to peer, i'd love to find out, i'd post to let you know, i'd want to find out, i'm amazed i must say, i'm
        extremely pleased to uncover, i'm impressed i must say, i've been using movable type, if the problem still exists, impatience over
        that, impressive paragraph, in accession capital, in support of my knowledge, include almost all significant, include approximately
        all important, is actually a fastidious, issue on my end, issues that they plainly, issues with hackers, it is truly a great, it
        will be renowned, it will be well known, it's actually a great, its enormous paragraph, just wanted to say great, just wanted to say
        wonderful, just what i was searching for, keep it up all the, keep on writing, kind of off topic but, kinda off topic but, loading
        extremely slow, loading incredibly slow, loading very slow for me, losing many months, losing several weeks, make men and women
        think, make my blog jump out, make my blog stand out, manage to get nearly anything, manually code with html, material for your
        blog, more smartly preferred, much more neatly favored, my comment didn't appear, my comment didn't show up, my developer is trying,
        my programmer is trying, my zynga group, nail upon the top, needs a great deal more, needs far more attention, nervousness over
        that, never seem to get anything, new internet people, new to the blog world, new web people, no coding expertise, no coding know
        how, no one else know such, nobody else know such, nobody else recognise such, not actually a lot more, not enough people are
        speaking, not really much more smartly, not that i actually would, now am using net, of off topic but i, people can take a signal,
        please blast me an, please shoot me an, please stay us informed, please stay us up, plugin or anything you can, pretty section of
        content, reading this piece of writing, reading this post here, realize so much its almost, really good articles and i, regardless
        just wanted to say, require any coding knowledge, running off the screen, satisfied that you shared, saved as a favorite to, seemed
        to be on the, shakiness over that, share your page with my, sharing a few of your, shield this hike, shield this increase, sick and
        tired of wordpress, since exactly the same nearly, smartly appreciated than you, some additional information, soon it will be
        famous, speaking intelligently about, specific about my difficulty, specific approximately my, spot on with this, spot on with this
        write, stop hackers, subscribing for your feeds, subscribing to your feeds, such detailed about my, take some of the load, taking
        the time and actual, tell us more about this, thanks in support of, the admin of this site, the admin of this web, the admin of this
        website, the issue is something that, the layout look great though, the problem is something which, the right site for anyone, the
        sketch is attractive, the sketch is tasteful, the style and design look great, this fastidious, this is the right blog, this is the
        right website, this site needs a lot, this was a really nice, this was an exceptionally nice, this was an incredibly nice, this
        website needs much more, through my cousin, tired of wordpress because, to assert that i acquire, to uncover this great site, too
        few men and women, trouble with hackers, trying to convince me to move, undeniably believe that, understand so much its almost, used
        to be suggested, using for this site, using for this website, via my cousin, was suggested this blog, was suggested this website,
        well i'm not writing, what blog platform, what blogging platform, what i don't realize, what i don't understood, where you got your
        design, where you got your theme, will receive carried out, without having side effects, wordpress for your blog platform, worries
        that they just, would really appreciate your content, would really enjoy your content, wow that was odd, wow that was strange, wow
        that was unusual, written by him as, yes finally someone writes about, yes finally something about, you are amazing thank, you are
        wonderful thanks, you have some really good, you realize therefore, you recognize therefore, you'll receive carried out, you're
        incredible thank, your augment, your authored material stylish, your authored subject matter, your blog in ie, your favorite reason,
        your favourite justification, your individual stuffs, your own stuffs great, your site in safari, your website in ie, your website
        in safari""",
    "thanks": """
        thanks, thank you, thanks a lot, thanks a bunch, thanks a million, thanks so much, thank you so much, thank you very much, thanks very much,
        thank you all, thanks all, thanks everyone, thanks again, thanks in advance, many thanks, thx, tnx, ty, cheers, much appreciated,
        thanks for this, thank you for this, thanks for the reply, thanks for the feedback, thanks for the help, thanks for your help,
        thanks for the link, thanks for the tip, thanks for the update, thanks for writing, thanks for writing this, thanks for pointing,
        thanks for your reply, thanks for the heads up, thanks for the quick, thanks for explaining, thank you for your help,
        thank you for the explanation, this helped me, helped me a lot, that helped, saved my day, saved me hours, works for me, works great,
        worked for me, this worked, solved my problem, danke, danke dir, danke schön, dankeschön, vielen dank, herzlichen dank, merci,
        merci beaucoup, grand merci, gracias, muchas gracias, mil gracias, obrigado, obrigada, muito obrigado, valeu, grazie, grazie mille, bedankt,
        dank je, tack, tack så mycket, takk, kiitos, děkuji, díky, dzięki, dziękuję, terima kasih, makasih, terimakasih, teşekkürler,
        teşekkür ederim, sağ olun, cảm ơn, спасибо, спасибо большое, большое спасибо, благодарю, дякую, 谢谢, 謝謝, 多谢, 감사합니다, 고맙습니다, ありがとう""",
    "praise": """
        nice post, nice article, nice blog, nice site, nice website, nice page, nice information, nice info, nice share, nice sharing, nice work,
        nice content, nice write up, nice blog post, very nice post, very nice blog, very nice article, great post, great article, great blog,
        great blog post, great site, great website, great information, great info, great content, great work, great job, great share, great sharing,
        great read, great web, great tips, great write up, great insights, great piece, great ideas, good post, good article, good blog, good site,
        good website, good information, good info, good job, good work, good content, good read, good sharing, good to read, good tips, awesome post,
        awesome article, awesome blog, awesome site, awesome website, awesome information, awesome content, awesome work, amazing post,
        amazing article, amazing blog, amazing content, amazing information, amazing site, amazing work, amazing website, excellent post,
        excellent article, excellent blog, excellent site, excellent website, excellent information, excellent work, excellent content,
        excellent read, excellent job, wonderful post, wonderful article, wonderful blog, wonderful information, wonderful site, wonderful work,
        fantastic post, fantastic article, fantastic blog, fantastic site, fantastic work, superb post, superb article, superb blog,
        superb information, brilliant post, brilliant article, brilliant blog, beautiful post, beautiful blog, beautiful article, lovely post,
        lovely blog, lovely article, cool post, cool blog, cool article, cool site, perfect post, impressive post, impressive article,
        incredible post, helpful post, helpful article, helpful information, helpful blog, helpful content, useful post, useful article,
        useful information, useful info, useful blog, useful tips, useful content, very useful, very useful information, really useful, informative,
        informative post, informative article, informative blog, informative content, very informative, very informative post,
        very informative article, really informative, so informative, very helpful, very helpful post, really helpful, very interesting,
        really interesting, interesting post, interesting article, interesting blog, interesting information, interesting read, interesting content,
        valuable information, valuable post, valuable content, valuable info, valuable article, valuable insights, knowledgeable, knowledgeable post,
        quality content, quality post, quality article, quality information, high quality content, well written, well written article,
        well written post, well explained, nicely written, nicely explained, beautifully written, clearly explained, well researched, detailed post,
        detailed article, detailed information, in depth article, insightful, insightful post, insightful article, thoughtful post,
        thought provoking, keep it up, keep up the good work, keep up the great work, keep up the excellent work, keep up the fantastic work,
        keep posting, keep writing, keep sharing, keep blogging, keep them coming, keep on sharing, keep on posting, thanks for sharing,
        thanks for sharing this, thanks for sharing such, thanks for sharing with us, thank you for sharing, thank you for sharing this,
        thank you for sharing such, thanks for the information, thanks for the info, thanks for posting, thanks for the post, thanks for the article,
        thanks for the great, thanks for the nice, thanks for this article, thanks for this post, thanks for this great, thanks for this information,
        thanks for your post, thanks for your article, thanks for your information, thanks for your sharing, thanks for your great,
        thanks for your blog, thanks for a great, thanks for an excellent, thanks a lot for sharing, thanks for providing, thank you for providing,
        thank you for posting, thank you for the information, thank you for the post, thank you for the great, thank you for this post,
        thank you for this article, thank you for this information, thank you for your post, thank you for your article, thanks for such,
        thank you for such, many thanks for sharing, nice to read, i appreciate your, appreciate your work, really appreciate, i really appreciate,
        hats off, kudos, spot on, hit the nail, two thumbs up, loved it, i loved this, i really like this, i really liked, i enjoyed this,
        i really enjoyed, i really enjoy, i enjoyed reading, enjoyed reading, enjoyed reading this, enjoy reading, love reading, loved reading,
        loved your, pleasure to read, worth reading, worth a read, must read, a must read, magnificent, marvelous, marvellous, toller beitrag,
        toller artikel, tolle seite, tolle infos, toller blog, guter artikel, guter beitrag, schöner artikel, schöner beitrag, schöner blog,
        interessanter artikel, interessanter beitrag, sehr interessant, sehr informativ, sehr hilfreich, super beitrag, super artikel, super seite,
        danke für den beitrag, danke für den artikel, danke für die infos, danke fürs teilen, weiter so, article intéressant,
        article très intéressant, très intéressant, merci pour ce partage, merci pour le partage, merci pour cet article,
        merci pour ces informations, bon article, très bon article, super article, bel article, excellent billet, beau travail, bon travail,
        continuez comme ça, buen artículo, muy buen artículo, excelente artículo, gran artículo, buen post, muy buen post, excelente post,
        buena información, muy buena información, excelente información, gracias por compartir, gracias por la información, muy interesante,
        muy útil, sigue así, felicitaciones por, ótimo artigo, excelente artigo, ótimo post, ótimo conteúdo, excelente conteúdo, parabéns pelo,
        parabéns pelo post, parabéns pelo conteúdo, muito bom, muito interessante, muito útil, obrigado por compartilhar, obrigada por compartilhar,
        adorei o post, artikel yang bagus, artikel bagus, artikelnya, infonya, artikelnya sangat bermanfaat, sangat bermanfaat, bermanfaat,
        sangat membantu, terima kasih infonya, terima kasih atas informasinya, terima kasih informasinya, terimakasih infonya, mantap gan,
        nice info gan, postingan yang bagus, ditunggu postingan, güzel yazı, güzel bir yazı, harika yazı, faydalı bilgiler, çok faydalı,
        paylaşım için teşekkürler, emeğinize sağlık, elinize sağlık, świetny artykuł, świetny wpis, ciekawy artykuł, ciekawy wpis, bardzo ciekawy,
        bardzo przydatne, bài viết hay, bài viết rất hay, спасибо за статью, спасибо за информацию, спасибо за пост, спасибо за полезн*,
        спасибо за интересн*, спасибо автору, отличн* стать*, отличн* пост, отличн* материал, хорош* стать*, интересн* стать*, интересн* пост,
        классн* стать*, классн* пост, полезн*, полезн* стать*, полезн* информац*, полезная информация, автор молодец, автору респект, респект автору,
        好文章, 谢谢分享, 感谢分享, 多谢分享, 写得很好, 写的很好, 非常好的文章, 受益匪浅, 支持博主, 좋은 글 감사, 좋은 정보 감사, 좋은 정보네요, 유익한 정보, 잘 보고 갑니다, 잘보고 갑니다, 参考になりました, 素晴らしい記事,
        i like your post, i love your post""",
    "flattery": """
        your blog, your blogs, your blog posts, your blog is, your blog site, your site, your sites, your website, your website is, your web site,
        your web page, your webpage, your weblog, your writing style, your writing skills, your subject matter, your rss, your rss feed, your feeds,
        your e newsletter, your next post, this web site, this webpage, this weblog, this piece of writing, this internet site, this wonderful post,
        this amazing post, this informative, this kind of info, such informative, such a great post, such a nice post, such a great article,
        such a wonderful, such great information, such valuable, blog owner, site owner, website owner, web owner, webmaster, webmasters,
        fellow blogger, fellow bloggers, weblog, weblogs, website owners, blogosphere, blog platform, blog sites, waiting for your next,
        waiting for your further, looking forward to your next, looking forward to reading, look forward to your, look forward to reading,
        next write, next write up, more posts like this, more articles like this, same topic, same niche, in this niche, bookmarked, bookmarked your,
        book marked, book mark, book marking, bookmarking your, favorites list, saved as a favorite, saved to my, add to my favorites, rss feed,
        subscribe your, subscribe to your, subscribe to your feed, subscribe to your rss, subscribed to your, grab your rss, grab your feed,
        signed up to your, visit again, visit your blog, visit your site, visiting your, will come back, be coming back, come back later,
        check back often, returning to your, frequent your, go to see, pay a quick visit, quick visit, every day visit, sharing with my,
        share this with my, shared this with, share it with my, my facebook group, my facebook friends, twitter followers, my twitter followers,
        zynga group, tell my friends, telling my friends, tell all my friends, recommend your, recommend this site, recommend this blog,
        suggest to my friends, recommend to my friends, my friend suggested, my friend recommended, a friend told me, i was recommended this,
        i was suggested this, by means of my cousin, my co workers, my iphone 4, my apple ipad, stumbled upon, stumbled upon your, stumbled on your,
        stumbled across, stumbled across your, stumbledupon, stumbleupon it, came across your, come across your, i found your, i found your blog,
        i found your site, i found your website, i found your post, found your site, found your blog, found your website, found your post,
        found your page, found this site, found this blog, found this website, discovered your, i discovered your, ran across your, glad i found,
        glad i came across, so happy to find, happy i found, pleased to find, delighted to find, found while searching, by way of google,
        through google, browsing on the web, surfing on the internet, exactly what i was looking for, just what i was looking for,
        what i was searching for, long time reader, i am sure, i am impressed, very impressed, really impressed, i wanted to say, i wanted to thank,
        i simply wanted, i simply want, i simply could not, i simply love, i needed to thank, i couldn't refrain, could not depart,
        can't wait to read, i do not know who you are, if you are not already, going to a famous blogger, famous blogger, i think you made,
        you made some, you made some decent, you made some good points, decent points, valid points, some really nice, some truly, truly fastidious,
        really fastidious, fastidious, fruitful, this paragraph is, fastidious post, fantastic posts, excellent posts, good posts, great posts,
        amazing posts, nice posts, wonderful posts, interesting posts, quality posts, magnificent points, magnificent goods, excellent goods,
        great goods, my spouse and i, my partner and i, we absolutely love, hello to every one, hello to all, hi to every one, hello every one,
        hello my family member, hello admin, hi admin, dear admin, dear blogger, you have a great, you have a nice, you have shared,
        you have provided, you have written, you have put, you have touched, you've written, you've hit, you are a great, you're a great,
        you are a very, you are in point of fact, you are amazing, you're an expert, you are an expert, you really know,
        you know what you're talking about, you seem to know, you might be a great author, a great blogger, excellent blogger, skilled blogger,
        professional blogger, way you wrote, way of explaining, way of describing, look of your, feel of your, easy on the eyes, loads quickly,
        loading speed, browser compatibility, which blog platform, content stolen, exclusive content, coding knowledge, thanks for every other,
        thanks for another, thanks for one's, thanks for ones, thanks for some other, thanks for magnificent, thanks for excellent,
        thanks for finally, thanks for your marvelous, thanks for your personal marvelous, thanks on your, thank you for another,
        thank you for every other, thank you a lot, thank you a bunch, appreciation to my father, appreciating the, i appreciate you,
        i blog frequently, i blog too, i blog quite, i've read your, been reading your, following your blog, reading your, reading your blog,
        reading your article, reading your post, read your blog, after reading your, go through your, going through your, went through your,
        i definitely enjoyed, i truly love, i truly appreciate, i always used to, i like the valuable, valuable info you, helpful info,
        informative site, informative website, in details, real informative, magnificent web, magnificent website, magnificent blog,
        magnificent post, excellent web, wonderful web, fantastic website, fantastic goods, superb website, marvelous website, wonderful website,
        overall look, keep us informed, keep us up to date, stay us informed, stay us up to date, awesome blog here, ihr blog, dein blog,
        deinen blog, ihren blog, ihre seite, deine seite, ihre webseite, deine webseite, auf ihrer seite, auf ihre seite gestoßen,
        auf deinen blog gestoßen, votre blog, votre site, votre article, ton blog, ton site, beau blog, joli blog, très bon blog, super blog,
        super site, je suis tombé sur, j'adore votre, j'aime votre, tu blog, su blog, tu sitio, su sitio, su página, tu página, excelente blog,
        muy buen blog, encontré tu blog, seu blog, seu site, seu artigo, ótimo blog, excelente blog e, adorei seu blog, blog anda, situs anda,
        situs ini, website anda, artikel anda, blogunuz, siteniz, sitenizi, blogunuzu, twój blog, twoja strona, świetny blog, fajny blog,
        fajna strona, świetna strona, ваш блог, ваш сайт, вашем блоге, вашем сайте, этот сайт, вашу статью, ваша статья, наткнулся на, 您的博客, 你的博客,
        您的网站, 贵站, 블로그 잘, 블로그에 들렀, 좋은 블로그, ブログを拝見, ブログ訪問, i love your, i like your, loving your, your site is so, at this time i am going,
        web site owner, i love your blog, i like your blog, this is my first visit, my first visit, i have bookmarked, i will bookmark,
        bookmark your, bookmark this, to your rss, to your blogs, of your blogs""",
}

_CJK_FIRST = "\u3040"
_CJK = late(f"[{_CJK_FIRST}-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PERCENT_OFF = late(r"\d{1,3} ?% off\b")


def has_cjk(text: str) -> bool:
    """Return whether `text` contains Chinese, Japanese or Korean letters."""
    return not text.isascii() and _CJK.search(text) is not None


def phrases_in(group: str) -> list[str]:
    """Return the phrases of a group, with single spaces between words."""
    return " ".join(group.split()).split(", ")


@dataclass(slots=True)
class _Node:
    """Phrases with a common beginning, by next word or by the stem of the next word."""

    number: int = -1  # group of the phrase that ends here
    words: dict[str, _Node] = field(default_factory=dict)
    stems: dict[str, _Node] = field(default_factory=dict)

    def add(self, words: list[str], number: int) -> None:
        if not words:
            self.number = number
            return
        word = words[0]
        children = self.stems if word[-1] == "*" else self.words
        children.setdefault(word.rstrip("*"), _Node()).add(words[1:], number)

    def follow(self, words: Sequence[str], start: int) -> tuple[int, int]:
        """Return the group and the end of the longest phrase that continues at `start`."""
        number, end = self.number, start
        node = self
        for i in range(start, len(words)):
            word = words[i]
            found = node.words.get(word)
            if found is None and node.stems:
                found = next((n for stem, n in node.stems.items() if word.startswith(stem)), None)
            if found is None:
                break
            node = found
            if node.number >= 0:
                number, end = node.number, i + 1
        return number, end


_STEM = 3  # letters that index the stems


class Phrases:
    """An index of all phrase groups by word: cost grows with the words, not the phrases."""

    def __init__(self, groups: dict[str, str]) -> None:
        self.names = tuple(groups)
        root = _Node()
        self._rests: dict[str, list[tuple[str, int]]] = {}  # remainders of phrases, by first word
        self._words: dict[str, _Node] = {}  # the same as nodes, for words seen so far
        self._cjk: dict[str, int] = {}
        patterns: dict[str, None] = {}
        for number, group in enumerate(groups.values()):
            for phrase in phrases_in(group):
                first, _, rest = phrase.partition(" ")
                if max(phrase) > _CJK_FIRST:  # only CJK phrases have letters this high
                    self._cjk[phrase.replace(" ", "")] = number
                    patterns[re.escape(phrase).replace("\\ ", " ?")] = None
                elif first[-1] == "*":
                    root.add(phrase.split(), number)
                else:
                    self._rests.setdefault(first, []).append((rest, number))
        self._stems: dict[str, list[tuple[str, _Node]]] = {}
        for stem in sorted(root.stems, key=len, reverse=True):  # the longest stem wins
            self._stems.setdefault(stem[:_STEM], []).append((stem, root.stems[stem]))
        self._cjk_pattern = late("|".join(sorted(patterns, key=len, reverse=True)))

    def _begun(self, word: str) -> _Node:
        """Return the node of the phrases that begin with `word`, built when the word is first seen."""
        node = _Node()
        for rest, number in self._rests[word]:
            node.add(rest.split(), number)
        self._words[word] = node  # equal, whichever of two threads comes last
        return node

    def find(self, words: Sequence[str], text: str = "") -> list[tuple[int, str]]:
        """Return (group number, phrase as written) for every phrase in `words`; `text` is for CJK."""
        found: list[tuple[int, str]] = []
        first, stems = self._rests, self._stems
        taken = 0
        # Most words begin no phrase, so skip them first.
        begins = [i for i, word in enumerate(words) if word in first or word[:_STEM] in stems]
        for i in begins:
            if i < taken:
                continue
            word = words[i]
            number, end = -1, i
            if word in first:
                node = self._words.get(word) or self._begun(word)
                number, end = node.follow(words, i + 1)
            if number < 0:
                for stem, node in stems.get(word[:_STEM], ()):
                    if word.startswith(stem):
                        number, end = node.follow(words, i + 1)
                        if number >= 0:
                            break
            if number >= 0:
                found.append((number, word if end == i + 1 else " ".join(words[i:end])))
                taken = end
        if text and has_cjk(text):
            for phrase in self._cjk_pattern.findall(text):
                found.append((self._cjk[phrase.replace(" ", "")], phrase))
        if "%" in text:
            found += [(_GOODS, phrase) for phrase in _PERCENT_OFF.findall(text)]
        return found


_GOODS = tuple(GROUPS).index("goods")
PHRASES = Phrases(GROUPS)
SELLING = frozenset(
    PHRASES.names.index(name)
    for name in GROUPS
    if name not in ("subscribe", "action", "template", "thanks", "praise", "flattery")
)
"""Numbers of the groups of goods and services."""

# --- "best dentist in Leeds" ----------------------------------------------------------

_TRADES = frozenset(
    "service services company companies agency agencies firm firms institute institutes academy school schools "
    "college colleges course courses training classes clinic clinics hospital hospitals doctor doctors dentist "
    "dentists lawyer lawyers attorney attorneys consultant consultants contractor contractors developer developers "
    "designer designers provider providers supplier suppliers manufacturer manufacturers dealer dealers store shop "
    "stores shops salon salons spa hotels rental rentals movers packers plumber plumbers electrician electricians "
    "roofers cleaners cleaning repair astrologer astrologers photographer photographers escorts therapist "
    "architects architect builders interiors caterers catering planners limousine taxi gym tutors coaching "
    "marketing seo advertising printing packaging restaurant restaurants apartments flats villas property properties".split()
)
_BEST = frozenset(
    "best top leading cheap cheapest affordable professional reliable trusted reputed famous renowned "
    "finest certified licensed 1 premier".split()
)
_PLACES = frozenset(
    "chennai bangalore bengaluru hyderabad mumbai pune delhi noida gurgaon gurugram kolkata jaipur indore "
    "chandigarh coimbatore kochi ahmedabad india lahore karachi islamabad pakistan dhaka bangladesh dubai sharjah "
    "ajman uae doha qatar riyadh jeddah kuwait muscat bahrain singapore malaysia jakarta surabaya bandung manila "
    "london manchester birmingham leeds glasgow uk usa nyc chicago houston dallas austin miami orlando atlanta "
    "phoenix denver seattle toronto mississauga brampton calgary edmonton vancouver canada sydney melbourne "
    "brisbane perth adelaide australia nairobi kenya lagos nigeria ghana uganda durban johannesburg".split()
)


def _local(words: list[str]) -> Iterator[tuple[int, str]]:
    """Yield trades with their town: "best dentist in Leeds", "movers in Dubai"."""
    services = PHRASES.names.index("services")
    for i in range(1, len(words) - 1):
        if words[i] != "in" or words[i - 1] not in _TRADES:
            continue
        if words[i + 1] in _PLACES or not _BEST.isdisjoint(words[max(0, i - 5) : i - 1]):
            yield services, " ".join(words[i - 1 : i + 2])


# --- goods in the name of a person or a host --------------------------------------------

# Goods and trades that also count at the beginning or end of a longer word.
_TRADED = (
    "viagra cialis levitra pharma pharmacy pills drugs casino casinos kasino slots betting togel jackpot loans payday "
    "credit credits kredit kredite forex bitcoin crypto investment investments investing mortgage mortgages backlink "
    "backlinks traffic marketing essay essays assignment assignments homework dissertation spells spellcaster psychic "
    "astrologer astrology vashikaran training institute academy courses escort escorts adult dating girls replica "
    "replicas rolex outlet outlets cheap cheapest discount discounts coupon coupons deals shopping store stores online "
    "service services solution solutions agency company insurance lawyer lawyers attorney attorneys legal clinic "
    "clinics dental dentist dentistry weight weightloss detox cannabis travel travels tours hotel hotels rental rentals "
    "realty realtor estate realestate property properties roofing plumbing plumber plumbers cleaning cleaners repair "
    "repairs movers packers locksmith locksmiths jersey jerseys shoes watches jewelry jewellery jewels furniture "
    "mattress mattresses hosting webdesign download downloads torrent torrents movie movies wallet wallets steroid "
    "steroids health beauty massage supplement supplements skincare cosmetics wholesale supplier suppliers limousine "
    "vape vapes vaping iptv taxi taxis cbd kratom apk hookup removals interiors renovation contractors catering "
    "handbags jackets sneakers wigs perfume perfumes"
).split()
# Also names of people or plain words, so they count only beside another word for goods.
_PLAIN = frozenset(
    "best price sale deal hack rank tour hair diet spa store loan bet judi bandar cash watch jersey credit estate "
    "poker legal travel weight writing service health beauty girls movie clean pro top review jewel jewels spell "
    "homes company online download free gold premium express direct papers capital growth mobile machine machines "
    "kitchen solar tools tech world group club house home garden wedding design media digital pills premier rocket "
    "coin coins hot night private boost green power luxury escape fast hire team desk center centre".split()
)
_GOODS_WORDS = (
    frozenset(_TRADED)
    | frozenset(
        "seo porn porno xxx sex buy bets limo keto shop shops eshop loans sales hackers poker pills meds rx herbal "
        "experts expert dealers dealer dealz traders trading consultants consultancy consulting contractor supplies "
        "exports imports industries enterprises ltd llc pvt inc depot bargain bargains bonus jackpot slot promo "
        "finance financial funding wealth diploma dumps ielts visa immigration tutors classes coaching generator "
        "webcam cams milf dildo singles airdrop token nft fx fintech ghostwriter thesis papers writers resale outlet "
        "rentals removal batteries blinds turf scaffolding flooring remodeling cabling packaging printing logistics "
        "freight trucking electrician handyman orthodontist chiropractor botox slimming nutrition gummies supplement "
        "spielothek spielautomaten rabatt gutschein umzug entruempelung schluesseldienst rencontres rencontre coquine "
        "pret voyance serrurier plombier depannage devis prestamos abogados cerrajeros mudanzas fontaneros tienda "
        "emprestimo desentupidora jasa sewa jual murah toko agen situs gacor obat bahis nakliyat escortlar pozyczki "
        "kasyno sklep uslugi kupit skidki remont dostavka kredity zaim prodvizhenie".split()
    )
) - _PLAIN
_STARTS = frozenset(_TRADED) | frozenset(
    "buy best shop diet sex slot judi limo poker hairsalon haircut hairloss hairextension hairtransplant seoexpert "
    "seoservice seoagency seocompany seotool seorank seopro seotip seoguru seoconsult ketodiet ketopill ketoslim "
    "ketogumm pornhub porntube pornstar pornvideo bandarq bandarjudi betonline betwin betway tourpackage ranking".split()
)
_ENDS = frozenset(_TRADED) | frozenset(
    "shop shops loan slot diet sex sale forsale limo poker toprank seorank googlerank bestseo localseo topseo proseo "
    "webseo humanhair virginhair dayspa medspa massagespa nailspa mostbet melbet sbobet fonbet linebet freeporn hdporn "
    "youporn".split()
)
_INNOCENT_START = late(
    "best(?:and|e|i|or|uz|al|wick)|buy(?:uk|an)|diet(?:er|e?rich|z|mar|l|h|ary|ic|it)|sex(?:t|u|is|ag)|storey|slot[hnt]|"
    "judith|limo[ngs]|shop(?:en|in)|crypto[gls]|essayis|girlscout|adulter|pharmaco|travell|legali|weight(?:on|man)"
)
_INNOCENT_END = late(
    "(?:bishop|workshop|photoshop|restore|keystore|datastore|essex|sussex|wessex|middlesex|unisex|sloan|contours|detours|"
    "ideals|ordeals|accompany|illegal|[rb]esolution|[rb]esolutions|absolution|dissolution|lightweight|heavyweight|misspells|"
    "backpackers|parental|straining|(?:up|vali|man|consoli|accommo|liqui|intimi|back|out)dating)\\Z"
)
_SIZES = sorted({len(word) for word in _STARTS | _ENDS}, reverse=True)
_REST = 3  # further letters of a longer word
# Long enough to count in the middle of a word: "carinsurancequotes".
_MIDDLE = late(
    "|".join(
        sorted(w for w in _TRADED if len(w) > 7 and w not in ("training", "solution", "solutions"))
    )
)
_SEGMENT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_BET = late(r"\dbet\b|\bbet\d")


def _joined(segment: str) -> Iterator[str]:
    """Yield the goods with which a longer word begins or ends."""
    sizes = [k for k in _SIZES if k + _REST <= len(segment)]
    start = next((segment[:k] for k in sizes if segment[:k] in _STARTS), "")
    if start and not _INNOCENT_START.match(segment):
        yield start
    end = next((segment[-k:] for k in sizes if segment[-k:] in _ENDS), "")
    if end and not _INNOCENT_END.search(segment[-20:]):
        yield end
    if not start and not end:
        yield from _MIDDLE.findall(segment)


def goods_in_name(name: str) -> list[str]:
    """Return the goods and trades in a host, a path or a person's name.

    A word counts between spaces, hyphens, digits or capitals, or at the beginning or
    end of a longer word: ``cheapviagra``, but not ``frankmiller`` or ``bishop``.
    """
    found: list[str] = []
    plain: list[str] = []
    for segment in map(str.lower, _SEGMENT.findall(name)):
        if segment in _PLAIN:
            plain.append(segment)
        elif segment in _GOODS_WORDS:
            found.append(segment)
        elif len(segment) > 5:
            found += _joined(segment)
    if "bet" in name:
        found += _BET.findall(name)
    return found + plain if len(found) + len(plain) > 1 else found


def goods_of_author(name: str) -> list[str]:
    """Return the goods and trades in a person's name."""
    hits = [
        phrase for number, phrase in PHRASES.find(words_of(name), name.lower()) if number in SELLING
    ]
    if len(hits) == 1 and hits[0] in _PLAIN:
        hits = []
    return hits or goods_in_name(name)[:1]


@lru_cache(maxsize=4096)
def goods_in_host(host: str) -> tuple[str, ...]:
    """Return the goods and trades in `host`, without its public suffix."""
    return tuple(goods_in_name(host.rpartition(".")[0]))


_KIND_WORDS = frozenset({"thanks", "praise"})
_COUNTS = tuple(
    Feature(
        f"promo_{name}",
        0,
        2.5,
        f"phrases of the group {name} (log scale)",
        accuses=name not in _KIND_WORDS,
    )
    for name in GROUPS
)
FEATURES = (
    *_COUNTS,
    Feature("promo_density", 0, 1, "share of words in phrases that sell", accuses=True),
    Feature("promo_groups", 0, 4, "groups of goods named", accuses=True),
    Feature("promo_praise_share", 0, 1, "share of words in phrases of thanks and praise"),
    Feature("promo_only_praise", 0, 1, "hardly anything but praise"),
    Feature(
        "promo_disguised",
        0,
        2,
        "goods written so that a filter would miss them (log scale)",
        accuses=True,
    ),
    Feature("promo_praise_and_link", 0, 1, "praise together with a link", accuses=True),
    Feature("promo_goods_and_link", 0, 1, "goods together with a link", accuses=True),
    Feature(
        "promo_goods_and_contact",
        0,
        1,
        "goods together with a telephone, e-mail or messenger",
        accuses=True,
    ),
)
_THANKS = PHRASES.names.index("thanks")
PRAISE = frozenset(PHRASES.names.index(name) for name in ("praise", "flattery"))


def praise_in(hits: list[tuple[int, str]]) -> int:
    """Return the number of found phrases that praise the post or the blog."""
    return sum(number in PRAISE for number, _ in hits)


def hits_of(r: Reading) -> list[tuple[int, str]]:
    """Return every phrase in the comment; none if the post's own author wrote it."""
    if r.by_post_author:
        return []
    return [*PHRASES.find(r.words, r.lower), *_local(r.words)]


def values(r: Reading, hits: list[tuple[int, str]]) -> tuple[float, ...]:
    """Return the value of each of `FEATURES`; `hits` come from `hits_of`."""
    counts = [0] * len(PHRASES.names)
    praised = sold = 0
    for number, phrase in hits:
        counts[number] += 1
        length = phrase.count(" ") + 1
        if number in PRAISE or number == _THANKS:
            praised += length
        elif number in SELLING:
            sold += length
    n = len(r.words)
    groups = sum(counts[number] > 0 for number in SELLING)
    praise = praise_in(hits)
    share = min(1.0, praised / max(1, n))  # without spaces, one "word" may hold two phrases
    contact = r.messenger or bool(r.body.phones or r.body.emails)
    return (
        *map(log1p, counts),
        min(1.0, sold / max(1, n)),
        float(groups),
        share,
        float(praise > 0 and share > 0.4 and n <= 60),
        log1p(len(_disguised(r))),
        float(praise > 0 and bool(r.links)),
        float(groups > 0 and bool(r.links)),
        float(groups > 0 and contact),
    )


def _disguised(r: Reading) -> list[str]:
    body = r.body
    hidden = [*body.leet_words, *body.mixed_script_words, *body.spaced_words]
    if not hidden or r.by_post_author:
        return []
    hits = PHRASES.find([word.lower() for word in hidden])
    return [phrase for number, phrase in hits if number in SELLING]


def strings(r: Reading, hits: list[tuple[int, str]]) -> dict[str, list[str]]:
    """Return the phrases, and words near them, behind those of `FEATURES` that fired."""
    found: dict[str, list[str]] = {f"promo_{name}": [] for name in PHRASES.names}
    for number, phrase in hits:
        found[f"promo_{PHRASES.names[number]}"].append(phrase)
    sells = [phrase for number, phrase in hits if number in SELLING]
    praises = [phrase for number, phrase in hits if number in PRAISE]
    messengers = messengers_in(r.words, r.lower, r.link_domains)
    return found | {
        "promo_density": sells,
        "promo_groups": sells,
        "promo_praise_share": found["promo_thanks"] + praises,
        "promo_only_praise": found["promo_thanks"] + praises,
        "promo_disguised": _disguised(r),
        "promo_praise_and_link": praises + r.link_domains,
        "promo_goods_and_link": sells + r.link_domains,
        "promo_goods_and_contact": sells + r.body.phones + r.body.emails + messengers,
    }
