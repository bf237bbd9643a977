"""Given names from many languages, collected by hand.

A comment signed by a person and one signed by a trade read alike; often only the
name distinguishes them. Surnames are too many and too often ordinary words, so
the list has only given names, in Latin letters and, for the most common, in
Cyrillic. It includes everyday English words ("Mark", "Will", "Grace"), because
`author` looks at more than the name.
"""

from __future__ import annotations

from typing import Final

_ENGLISH = (
    "aaron abby abigail abraham ada adam adrian aidan aiden al alan albert alec alex alexander alexandra alexis alfred alice "
    "alicia alison allan allen allison alyssa amanda amber amelia amy andre andrea andrew andy angel angela angie anita ann anna "
    "anne annie anthony april archie arnold arthur ashley audrey austin ava barbara barry ben benjamin bernard beth betty "
    "beverly bill billy blake bob bobby bonnie brad bradley brandon brenda brendan brent brett brian brittany brooke bruce bryan "
    "bryce caleb calvin cameron carl carol caroline carolyn carrie casey cassie catherine cathy chad charles charlie charlotte "
    "chase chelsea cheryl chloe chris christian christina christine christopher chuck cindy claire clara clarence claude clay clayton clifford "
    "clint clive cody colin colleen connor corey cory craig crystal curt curtis cynthia daisy dale damian damon dan dana daniel danielle "
    "danny darren darryl daryl dave david dawn dean debbie deborah debra denise dennis derek derrick desmond diana diane dick dolores "
    "don donald donna doreen doris dorothy doug douglas duane dustin dwayne dylan earl ed eddie edgar edith edmund edward edwin eileen elaine "
    "eleanor eli elijah elizabeth ella ellen ellie elsie emily emma eric erica erik erin ernest ethan ethel eugene eva evan evelyn faith "
    "fiona florence floyd frances francis frank franklin fred frederick gabriel gail gareth garrett gary gavin gene geoff geoffrey george "
    "gerald gerard gilbert glen glenn gloria gordon grace graham grant greg gregory guy gwen hannah harold harriet harry harvey hazel heather "
    "hector heidi helen henry herbert holly howard hugh ian irene iris isaac isabel isabella ivy jack jackie jackson jacob jacqueline jade "
    "jake james jamie jan jane janet janice jared jason jasmine jay jean jeff jeffrey jen jenna jennifer jenny jeremy jerome jerry jesse jessica jill jim "
    "jimmy joan joanna joanne jodi joe joel joey john johnny jon jonathan jordan joseph josephine josh joshua joy joyce juan judith judy "
    "julia julian julie june justin kara karen karl kate katherine kathleen kathryn kathy katie katrina kay keith kelly kelsey ken kenneth kent kerry "
    "kevin kim kimberly kirk kristen kristin kurt kyle lance larry laura lauren laurie lawrence leah lee leo leon leonard leroy leslie lester "
    "lewis liam lily linda lindsay lindsey lisa liz lloyd logan lois lorraine louis louise lucas lucy luke lydia lynn mabel mackenzie madeline madison "
    "maggie malcolm mandy marc marcia marcus margaret maria marie marilyn mario marion marjorie mark marlene marsha marshall martha martin marty "
    "marvin mary mason matt matthew maureen maurice max maxwell megan melanie melinda melissa melody meredith mia michael michele michelle mick miguel mike "
    "mildred miles milton miranda mitch mitchell molly monica morgan morris myra nancy naomi natalie natasha nathan nathaniel neal ned neil "
    "nicholas nick nicola nicole nigel nina noah noel nora norma norman oliver olivia oscar owen paige pam pamela pat patricia patrick patsy "
    "patti paul paula pauline pearl peggy penny percy perry pete peter phil philip phillip phoebe phyllis polly priscilla quentin rachael rachel ralph randall "
    "randy ray raymond rebecca reginald rex rhonda rich richard rick ricky rita rob robbie robert roberta robin rod rodney roger roland ron ronald "
    "ronnie rory rosa rose rosemary ross roxanne roy ruby russ russell ruth ryan sabrina sally sam samantha samuel sandra sandy sara sarah savannah scott "
    "sean seth shane shannon sharon shaun shawn sheila shelby shelley shelly sherry shirley sid sidney simon sonia sophia sophie spencer stacey stacy stan "
    "stanley stella stephanie stephen steve steven stewart stuart sue summer susan suzanne sylvia tamara tammy tanya tara taylor ted "
    "terence teresa terri terry thelma theodore theresa thomas tiffany tim timothy tina toby todd tom tommy toni tony tracey traci tracy travis trevor "
    "trish tristan troy tyler valerie vanessa vera vernon veronica vicki vickie victor victoria vincent viola violet virginia vivian wade wallace "
    "walter wanda warren wayne wendy wesley whitney will willard william willie wilma winston xavier yvonne zach zachary zoe"
)
_EUROPEAN = (
    "adriana agnes agnieszka alain aleksandr aleksandra aleksander alessandra alessandro alberto alejandro alexandre alexey alexei alfonso alfredo alina alvaro "
    "amelie ana anders andreas andrei andres andrzej anja anke anna-maria anouk antje antoine anton antonio arnaud artem artur astrid aurelie axel "
    "bart bartosz bas beata beatrice beatriz benoit bernd bernhard birgit bjorn bjarne bogdan boris bram bruno camille carla carlos carmen "
    "carolina catalina cecile cecilia celine cesar christelle christoph christophe claudia claudio clement cristian cristina cyril dagmar daniela "
    "daniele danilo dariusz david delphine denis dieter diego dietmar dimitri dirk dmitri dmitry dominik dominique dorota eduardo ekaterina elena eleonora elisa elise elke "
    "emanuele emil emilie emilio emmanuel enrico enrique erwan esteban estelle esther etienne eugenia eva evgeny ewa fabian fabien fabio fabrice "
    "federico felipe felix ferdinand fernando filip filippo florian francesca francesco francisco franck francois francoise frederic frederik frederique friedrich gabriela gaelle "
    "gerhard gert ghislain giacomo gianluca giorgio giovanni giulia giulio giuseppe gonzalo greta grzegorz guido guillaume guillermo gunther gustavo hanna "
    "hans harald hector heiko heinrich heinz helene helga hendrik henri henrik herve hugo ignacio igor ilya ines inga ingo ingrid irina isabelle ivan "
    "ivana jacek jacques jakob jakub jana janine jaroslav javier jens jeroen jerome jesus joachim joao joaquin jochen johan johann johanna johannes jonas jorge jose "
    "joris josef jozef juergen jurgen jules julien juliette jutta kamil karin karina karine karsten kasper katarina katarzyna katja katrin kerstin klaus konrad kristian krzysztof "
    "lars laetitia laurence laurent lea lena leonardo lionel lorenzo loic luc luca lucia luciano lucie ludovic luigi luis luisa lukas lukasz maciej maarten magali magdalena "
    "magnus maik manfred manuel manuela marcel marcelo marcin marco marcos margarita marek mariana marianne marina marius markus marta martina mateo mateusz mathias mathieu "
    "mathilde matteo matthias matthieu mattia maurizio mauro maxim maxime michal michel michele miguel mikael mikhail milan milos miroslav monika morten nadia nadine natalia nathalie nicolas "
    "niels niklas nikola nikolai nils noemie norbert oksana olaf ole oleg olga olivier orlando ornella pablo paolo pascal patrice patrik patrizia pavel pawel pedro peer per "
    "petr petra philipp philippe pia pierre pieter piotr rafael rafal rainer ralf ramon raphael raul regina reinhard remi renata renate rene ricardo riccardo robin "
    "roberto rodrigo rolf romain roman rosario ruben rudolf rui ruud sabine salvatore samuele sandrine santiago sebastian sebastien sergei sergey sergio severine silke silvia simone slawomir "
    "sofia sofie sonja soren stefan stefania stefano stephane steffen susanne sven svetlana sylvain sylvie tadeusz tanja tatiana thierry thijs thomas thorsten tiago tobias tomas "
    "tomasz torsten ulrich ulrike ursula ute uwe valentin valeria vasily veronika viktor viktoria vincenzo virginie vittorio vladimir volker walid werner wilhelm willem wim wojciech "
    "wolfgang wouter yann yannick yuri yves zbigniew zdenek zoltan zuzana attila balazs gabor istvan laszlo mihai ioan ionut radu stelian vlad georgi dimitar nikolay "
    "stoyan ivaylo goran dragan zoran bojan nenad marko matej jure andrej tomaz jiri vaclav ondrej kaarel mart jaan juha jukka mika mikko pekka timo antti ville "
    "sanna aino gunnar haakon knut oystein sigurd torbjorn asa ake goran linnea kostas giannis dimitris nikos giorgos yannis eleni katerina"
)
_ASIAN = (
    "aarav abdul abdullah abhijit abhishek adil aditi aditya ahmad ahmed aisha aisyah ajay ajit akash akhil akira alaa ali alok aman amina amir amit amol "
    "amr anand ananya anil anirudh anish anjali ankit ankur ansh anuj anup anurag arif arjun arun arvind asad ashish ashok ashraf ashwin asif atul ayesha aziz babak bala basil "
    "bilal chandan chandra chen cheng chetan daljit danish darshan deepa deepak deepika desi devi dewi dhruv dilip dinesh divya ehsan elham emre eko fadi fahad faisal farah farhan farid "
    "fatima fatih fei feng gaurav geeta gita gopal govind guo hakan hamed hamid hamza hana hao haris harish harsh harsha hasan hassan hemant hiroshi hoang hossein hui hung hussain hussein ibrahim imad "
    "imran indra irfan ismail jagdish jamal jatin javed jay jayesh jian jiang jin jing jitendra jun junaid kamal kapil karan karim karthik kartik kavita kazuo kenji khaled khalid khoa kiran kishore "
    "kumar kunal lakshmi lalit lei ling linh mahdi mahesh mahmoud manish manoj maryam masood mehdi mehmet mei meena min ming minh mohamed mohammad mohammed mohan mohit mona mostafa muhammad mukesh "
    "mustafa nabil nadeem nam naresh narendra naveed naveen neeraj neha nguyen nikhil nilesh nimesh nisha nishant nitin noor nurul omar omer osama osman padma pankaj parth piyush pooja prabhu pradeep prakash pranav "
    "prasad prashant pratik praveen priya puneet putri qasim quang rachit raghav rahul raj raja rajat rajeev rajendra rajesh rajiv raju rakesh ram raman ramesh rania rashid ravi reza ritesh ritu riya rizwan "
    "rohan rohit rudra saad sachin sadia safa sahil saif sajid salim salman sameer sami samir sandeep sanjay sanjeev santosh sara satish satoshi saurabh selim sena serkan shahid shahab shan shashi shankar shiv "
    "shivam shreya shubham shyam siddharth sneha sohail sonal sourabh sri srinivas subhash sudhir suman sumit sunil sunita suraj suresh surya swapnil swati syed tahir takashi takeshi tanvi tariq tarun tejas "
    "thanh thuy tran trung tuan uday umar umesh umut usman vaibhav varun venkat vijay vikas vikram vinay vineet vinod vipul vishal vivek wahid waleed wasim wei xiao xin yasir yash yasin yasmin yogesh yoshi "
    "yousef youssef yuki yun yusuf zahra zaid zainab zeeshan zhang bayu budi agus dian fitri hendra joko rina sari siti wahyu yanti chidi emeka ngozi chinedu oluwaseun adebayo kwame kofi "
    "amara fatou mamadou ousmane thabo sipho wanjiru njoroge kamau otieno"
)
_CYRILLIC = (
    "александр александра алексей алена алина анастасия анатолий андрей анна антон артем борис вадим валентин валентина валерий василий вера виктор виктория виталий владимир "
    "владислав вячеслав галина геннадий георгий григорий дарья денис дмитрий евгений евгения екатерина елена иван игорь ирина кирилл константин ксения лариса леонид людмила максим "
    "марина мария михаил надежда наталья никита николай нина олег ольга павел петр полина роман светлана сергей станислав степан тамара татьяна федор юлия юрий яна ярослав"
)
GIVEN_NAMES: Final = frozenset(f"{_ENGLISH} {_EUROPEAN} {_ASIAN} {_CYRILLIC}".split())
