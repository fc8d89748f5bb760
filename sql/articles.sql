-- articles.sql: articles, and the users who have written them.
--
--     sqlite3 testdb.sqlite3 ".load build/relate" ".read sql/articles.sql"
--
-- Needs the extension.  It can be run again: it makes its tables anew.

.mode box --wrap 0

SELECT relationship_drop('*') AS dropped;
DROP TABLE IF EXISTS article_authors;
DROP TABLE IF EXISTS article;
DROP TABLE IF EXISTS user;

-- AUTOINCREMENT: a key that was used is never given again, even if its row is
-- gone.  NOT NULL: no user without a name and an address, no article without a
-- title.

CREATE TABLE user(
  user_id INTEGER PRIMARY KEY AUTOINCREMENT,
  username TEXT NOT NULL,
  email TEXT NOT NULL
);
CREATE TABLE article(
  article_id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  content TEXT
);
CREATE TABLE article_authors(
  user_id INTEGER NOT NULL REFERENCES user(user_id),
  article_id INTEGER NOT NULL REFERENCES article(article_id),
  PRIMARY KEY (user_id, article_id)
);

-- What the foreign keys say.

SELECT name, cardinality, because FROM relationship_list;

-- The rows of article_authors are objects of their own: user.articles and
-- article.authors lead to them, and from them user and article lead on.

SELECT relationship('user.articles', 'inverse', 'article_authors.user')
  AS declared;
SELECT relationship('article.authors', 'inverse', 'article_authors.article')
  AS declared;
SELECT name, cardinality, target FROM relationship_list ORDER BY declared, name;

-- Nobody is there yet.  A user is added, and committed.

SELECT * FROM user;
BEGIN;
INSERT INTO user(username, email) VALUES ('johndoe', 'john@example.com');
COMMIT;
SELECT * FROM user;

-- What is rolled back has not happened: neither user, article nor link.

BEGIN;
INSERT INTO user(username, email) VALUES ('janedoe', 'jane@example.com');
INSERT INTO article(title) VALUES ('Second Thoughts');
INSERT INTO user__articles(source_key, article_id) VALUES (2, 1);
SELECT count(*) AS authors FROM article_authors;
ROLLBACK;
SELECT count(*) AS authors FROM article_authors;
SELECT * FROM user;

-- A user needs an address.

INSERT INTO user(username) VALUES ('nobody');

-- Two articles.  An author is linked to one from either side.

INSERT INTO user(username, email) VALUES ('janedoe', 'jane@example.com');
INSERT INTO article(title, content) VALUES
  ('First Steps', 'Begin with one table.'),
  ('Next Steps', NULL);
INSERT INTO user__articles(source_key, article_id) VALUES (1, 1), (1, 2);
INSERT INTO article__authors(source_key, user_id) VALUES (1, 2);

-- Nobody writes the same article twice, and an article needs to be there.

INSERT INTO article_authors(user_id, article_id) VALUES (1, 1);
INSERT INTO user__articles(source_key, article_id) VALUES (1, 99);

-- The rows of the association, of user 1 and of article 1.

SELECT * FROM user__articles(1);
SELECT * FROM article__authors(1);

-- Through them, the articles of each user and the authors of each article;
-- here by two navigators.

SELECT u.username, a.title
FROM user AS u
JOIN user__articles(u.user_id) AS aa
JOIN article_authors__article(aa.user_id, aa.article_id) AS a
ORDER BY u.user_id, a.article_id;

-- The same in one step: the many-to-many is there as well, by its short name.

SELECT a.title, u.username
FROM article AS a
JOIN article__user(a.article_id) AS u
ORDER BY a.article_id, u.user_id;

-- A path goes through them too: how many articles has each user, and with how
-- many people, the user included, have they been written?

SELECT username,
       related_count('user.articles.article', user_id) AS articles,
       related_count('user.articles.article.authors.user', user_id) AS people
FROM user;

-- A key that was used is not given again: the next one is 3.

DELETE FROM article_authors WHERE user_id = 2;
DELETE FROM user WHERE username = 'janedoe';
INSERT INTO user(username, email) VALUES ('richardroe', 'rr@example.com');
SELECT * FROM user;
