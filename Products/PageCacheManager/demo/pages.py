"""The texts of the demo site: a town library by the harbour."""

TITLE = 'Harbour Library'

# Id, password, roles and full name; only forms enforce password rules.
MEMBERS = (
    ('alice', 'alice', ('Member', 'Editor'), 'Alice Arden'),
    ('bob', 'bob', ('Member',), 'Bob Birch'),
)

SECTIONS = (
    ('news', 'News', 'What is new at the library and around it.'),
    ('docs', 'Guides', 'How to find, borrow, read and ask.'),
    ('people', 'People', 'Who works here, and on which floor.'),
    ('events', 'Events', 'Readings, courses and evenings in the hall.'),
)

# The paragraphs at the end of each page, by section.
CLOSING = {
    'news': (
        'The house is open from Tuesday to Saturday, from ten to seven, and'
        ' on Thursdays until nine. The returns box beside the door takes'
        ' books at any hour.',
        'Write to the front desk if you would like to hear of such news by'
        ' post. We send one letter a month, on paper, and never give your'
        ' address away.'),
    'docs': (
        'If a step does not work as it is written here, tell the desk on the'
        ' first floor. These guides are changed as soon as somebody stumbles'
        ' over one.',
        'All guides are there in large print as well, and the staff will'
        ' gladly go through one with you. Nobody has to know any of this by'
        ' heart.'),
    'people': (
        'Everyone on the staff can be reached through the front desk. Ask by'
        ' name: the desk knows who is in the house and on which floor.',
        'Once a month each of us spends a day at the desk, whatever else we'
        ' do. It is the best way to learn what readers look for and do not'
        ' find.'),
    'events': (
        'The hall has ninety seats and opens half an hour before the start.'
        ' Entry is free; a jar at the door pays for the wine.',
        'The hall can be reached without steps, and has an induction loop.'
        ' Recordings are kept in the listening room for one year.'),
}

# section, id, title, days since published, subjects, author, description
PAGES = (
    ('news', 'reading-room-reopens', 'The reading room reopens', 3,
     ('building', 'reading room'), 'alice',
     'After four months under scaffolding the great reading room has its'
     ' skylight back, and forty new seats beneath it.'),
    ('news', 'harbour-maps', 'Two hundred harbour maps, now online', 12,
     ('collections', 'maps'), 'bob',
     'Every chart that the pilots drew between 1740 and 1890 can be seen'
     ' from home, down to the pencilled soundings.'),
    ('news', 'late-thursdays', 'Open until nine on Thursdays', 21,
     ('opening hours',), 'alice',
     'From this month the house stays open two hours longer once a week,'
     ' with a librarian at each desk.'),
    ('news', 'new-bindery', 'A bindery in the basement', 34,
     ('building', 'conservation'), 'bob',
     'Worn books need not travel any more: they are mended downstairs, and'
     ' you may watch on the first Friday of a month.'),
    ('news', 'loans-doubled', 'Loans have doubled since the fee went', 48,
     ('lending',), 'alice',
     'One year after the reader’s fee was dropped the figures are in, and'
     ' they are better than anybody dared to hope.'),
    ('news', 'seed-library', 'Borrow a packet of seeds', 63,
     ('lending', 'garden'), 'alice',
     'Take beans home in spring and bring some back in autumn: the seed'
     ' cupboard stands beside the cookery books.'),
    ('news', 'newspapers-scanned', 'A century of the Harbour Gazette', 80,
     ('collections', 'newspapers'), 'bob',
     'From 1871 to 1971, every page and every advertisement, and each word'
     ' of them can be searched.'),
    ('news', 'quiet-hours', 'Quiet hours on Saturday mornings', 95,
     ('opening hours', 'reading room'), 'alice',
     'No announcements, no tours and no typing until noon. Readers asked'
     ' for it, and we like it ourselves.'),
    ('news', 'bookmobile', 'The book bus has a new route', 118,
     ('lending', 'book bus'), 'bob',
     'Nine stops instead of six, and for the first time one on the far side'
     ' of the bridge.'),
    ('news', 'solar-roof', 'The roof makes our electricity', 140,
     ('building',), 'alice',
     'On a clear day the panels run the lifts, the lamps and the scanners,'
     ' with some left for the neighbours.'),
    ('news', 'letters-found', 'Letters found behind a shelf', 166,
     ('collections', 'conservation'), 'bob',
     'Movers came upon a bundle of forty letters from a ship’s cook. They'
     ' are being read, dried and pressed.'),
    ('news', 'year-in-books', 'The year in twelve books', 190,
     ('lending', 'reading room'), 'alice',
     'What the town read last year: three crime stories, two cookery books'
     ' and, to our surprise, Lucretius.'),

    ('docs', 'your-first-visit', 'Your first visit', 20,
     ('start here',), 'alice',
     'Where to leave your coat, where to ask, and what you may take to a'
     ' desk.'),
    ('docs', 'library-card', 'How to get a card', 25,
     ('start here', 'lending'), 'alice',
     'Bring a letter with your address. The card is made while you wait and'
     ' costs nothing.'),
    ('docs', 'find-a-book', 'How to find a book', 33,
     ('start here', 'catalogue'), 'bob',
     'Three ways to search the catalogue, and what the marks on the spine'
     ' mean.'),
    ('docs', 'borrow-and-return', 'Borrowing, renewing, returning', 41,
     ('lending',), 'alice',
     'How many, for how long, and what happens if a book comes home late.'),
    ('docs', 'reserve-a-room', 'Reserving a room', 56,
     ('rooms',), 'bob',
     'Four rooms can be had by the hour, with a table, a door and a'
     ' whiteboard.'),
    ('docs', 'old-books', 'Reading old and fragile books', 72,
     ('collections', 'conservation'), 'bob',
     'Why there is a foam cushion, why there are no gloves, and how to turn'
     ' a page of vellum.'),
    ('docs', 'copies-and-scans', 'Copies and scans', 88,
     ('rooms',), 'alice',
     'What you may copy, which machine to use, and how to take the scan'
     ' home.'),
    ('docs', 'ask-a-librarian', 'Ask a librarian', 101,
     ('start here', 'catalogue'), 'alice',
     'By letter, by telephone or in person: we find out, and we tell you'
     ' where we found it.'),

    ('people', 'ines-marlow', 'Inês Marlow', 15,
     ('first floor', 'management'), 'alice',
     'Head of the library. Came for a summer in 1998 and stayed. Keeps bees'
     ' on the roof.'),
    ('people', 'tom-okafor', 'Tom Okafor', 22,
     ('basement', 'conservation'), 'bob',
     'Binder. Can tell the year of a book from the smell of its glue, within'
     ' a decade.'),
    ('people', 'hanna-weiss', 'Hanna Weiß', 37,
     ('second floor', 'maps'), 'alice',
     'Maps and charts. Sailed to the Azores to check a sounding of 1802, and'
     ' found it right.'),
    ('people', 'li-na-chen', 'Li Na Chen', 50,
     ('first floor', 'catalogue'), 'alice',
     'Catalogue. Has given a subject to every book that came in since 2009,'
     ' and remembers most.'),
    ('people', 'piotr-zielinski', 'Piotr Zieliński', 68,
     ('book bus',), 'bob',
     'Drives the book bus, and knows what each stop will ask for before he'
     ' opens the door.'),
    ('people', 'ruth-abney', 'Ruth Abney', 90,
     ('second floor', 'newspapers'), 'bob',
     'Newspapers. Reads the Gazette of a hundred years ago each morning, and'
     ' is seldom surprised.'),

    ('events', 'poets-at-the-quay', 'Poets at the quay', 5,
     ('reading',), 'alice',
     'Five poets, one lamp and the tide. Bring a blanket; if it rains we'
     ' meet in the hall.'),
    ('events', 'mending-morning', 'Mending morning', 14,
     ('course', 'conservation'), 'bob',
     'Bring one hurt book and go home with a whole one. Paste and paper are'
     ' on the house.'),
    ('events', 'map-evening', 'An evening with maps', 27,
     ('talk', 'maps'), 'bob',
     'How to draw a coast from the deck of a ship that will not lie still.'),
    ('events', 'story-hour', 'Story hour', 39,
     ('reading', 'children'), 'alice',
     'For those between four and eight, every Wednesday, on the carpet with'
     ' the whale.'),
    ('events', 'family-history', 'Find your family', 58,
     ('course', 'newspapers'), 'bob',
     'Parish books, passenger lists and the Gazette: a course in four'
     ' evenings.'),
    ('events', 'translators-night', 'The translators’ night', 77,
     ('talk',), 'alice',
     'Three of them take one page apart, and put it together in three ways.'),
)

BODY = (
    'This page is part of a site that was made to be measured. It has the'
    ' shape of a real one: it looks its navigation up in the tools, asks who'
    ' you are and what you may do, and fills a layout that it shares with'
    ' every other page. That takes Zope some milliseconds each time, and'
    ' nearly always the outcome is the page that the visitor before you got.'
)
