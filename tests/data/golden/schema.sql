-- revision 0008

-- index bounces_subscriber
CREATE INDEX bounces_subscriber ON bounces (subscriber, at)

-- index deliveries_waiting
CREATE INDEX deliveries_waiting ON deliveries (issue, due) WHERE outcome <= 2

-- index ix_entries_announced
CREATE INDEX ix_entries_announced ON entries (announced)

-- index ix_entries_first_seen
CREATE INDEX ix_entries_first_seen ON entries (first_seen)

-- index ix_former_entry
CREATE INDEX ix_former_entry ON former (entry)

-- index ix_names_entry
CREATE INDEX ix_names_entry ON names (entry)

-- index snapshots_day
CREATE INDEX snapshots_day ON snapshots (day)

-- index sqlite_autoindex_alembic_version_1
-- made by SQLite

-- index sqlite_autoindex_bounces_1
-- made by SQLite

-- index sqlite_autoindex_editions_2
-- made by SQLite

-- index sqlite_autoindex_entries_1
-- made by SQLite

-- index sqlite_autoindex_facts_1
-- made by SQLite

-- index sqlite_autoindex_former_1
-- made by SQLite

-- index sqlite_autoindex_hosts_1
-- made by SQLite

-- index sqlite_autoindex_issues_1
-- made by SQLite

-- index sqlite_autoindex_names_1
-- made by SQLite

-- index sqlite_autoindex_receipts_1
-- made by SQLite

-- index sqlite_autoindex_sources_1
-- made by SQLite

-- index sqlite_autoindex_subscribers_1
-- made by SQLite

-- index sqlite_autoindex_summaries_1
-- made by SQLite

-- index sqlite_autoindex_vectors_1
-- made by SQLite

-- index subscribers_status
CREATE INDEX subscribers_status ON subscribers (status)

-- table alembic_version
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)

-- table bounces
CREATE TABLE bounces (
	report TEXT NOT NULL, 
	subscriber INTEGER NOT NULL, 
	issue TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	hard BOOLEAN NOT NULL, 
	counts BOOLEAN NOT NULL, 
	at BIGINT NOT NULL, 
	status TEXT, 
	PRIMARY KEY (report, subscriber), 
	FOREIGN KEY(subscriber) REFERENCES subscribers (id) ON DELETE CASCADE
)

-- table deliveries
CREATE TABLE deliveries (
	issue INTEGER NOT NULL, 
	subscriber INTEGER NOT NULL, 
	outcome SMALLINT NOT NULL, 
	due BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	attempts SMALLINT NOT NULL, 
	sender INTEGER, 
	begun SMALLINT NOT NULL, 
	code SMALLINT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (issue, subscriber), 
	FOREIGN KEY(issue) REFERENCES issues (num) ON DELETE CASCADE
)
 WITHOUT ROWID



-- table editions
CREATE TABLE editions (
	issue INTEGER NOT NULL, 
	subscriber INTEGER NOT NULL, 
	message_id TEXT NOT NULL, 
	made BIGINT NOT NULL, 
	frozen JSON NOT NULL, 
	PRIMARY KEY (issue, subscriber), 
	FOREIGN KEY(issue) REFERENCES issues (num) ON DELETE CASCADE, 
	UNIQUE (message_id)
)
 WITHOUT ROWID



-- table entries
CREATE TABLE entries (
	num INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	title TEXT NOT NULL, 
	abstract TEXT NOT NULL, 
	url TEXT NOT NULL, 
	authors JSON NOT NULL, 
	published BIGINT, 
	source TEXT NOT NULL, 
	topics JSON NOT NULL, 
	code_url TEXT NOT NULL, 
	pdf_url TEXT NOT NULL, 
	image_url TEXT NOT NULL, 
	votes INTEGER, 
	comments INTEGER, 
	stars INTEGER, 
	first_seen BIGINT NOT NULL, project_url TEXT DEFAULT '' NOT NULL, venue TEXT DEFAULT '' NOT NULL, organisation TEXT DEFAULT '' NOT NULL, tldr TEXT DEFAULT '' NOT NULL, title_html TEXT DEFAULT '' NOT NULL, abstract_html TEXT DEFAULT '' NOT NULL, affiliations JSON DEFAULT '[]' NOT NULL, also JSON DEFAULT '[]' NOT NULL, announced BIGINT, 
	PRIMARY KEY (num), 
	UNIQUE (id)
)

-- table facts
CREATE TABLE facts (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
)

-- table former
CREATE TABLE former (
	id TEXT NOT NULL, 
	entry INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(entry) REFERENCES entries (num) ON DELETE CASCADE
)

-- table hosts
CREATE TABLE hosts (
	name TEXT NOT NULL, 
	free_at DOUBLE NOT NULL, 
	PRIMARY KEY (name)
)

-- table issues
CREATE TABLE issues (
	num INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	cadence TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	planned BIGINT NOT NULL, 
	masthead JSON NOT NULL, 
	templates JSON NOT NULL, 
	missing JSON NOT NULL, paused TEXT DEFAULT '' NOT NULL, excused INTEGER DEFAULT '0' NOT NULL, date TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (num), 
	UNIQUE ("key")
)

-- table names
CREATE TABLE names (
	name TEXT NOT NULL, 
	entry INTEGER NOT NULL, 
	PRIMARY KEY (name), 
	FOREIGN KEY(entry) REFERENCES entries (num) ON DELETE CASCADE
)

-- table pauses
CREATE TABLE pauses (
	issue INTEGER NOT NULL, 
	domain TEXT NOT NULL, 
	until BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (issue, domain), 
	FOREIGN KEY(issue) REFERENCES issues (num) ON DELETE CASCADE
)
 WITHOUT ROWID



-- table pool
CREATE TABLE pool (
	issue INTEGER NOT NULL, 
	entry INTEGER NOT NULL, 
	frozen JSON NOT NULL, 
	PRIMARY KEY (issue, entry), 
	FOREIGN KEY(issue) REFERENCES issues (num) ON DELETE CASCADE
)
 WITHOUT ROWID



-- table raws
CREATE TABLE raws (
	entry INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	abstract TEXT NOT NULL, 
	PRIMARY KEY (entry), 
	FOREIGN KEY(entry) REFERENCES entries (num) ON DELETE CASCADE
)

-- table receipts
CREATE TABLE receipts (
	"key" TEXT NOT NULL, 
	fetched BIGINT NOT NULL, 
	etag TEXT NOT NULL, 
	modified TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	PRIMARY KEY ("key")
)

-- table senders
CREATE TABLE senders (
	num INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	alive_until BIGINT NOT NULL
)

-- table shown
CREATE TABLE shown (
	subscriber INTEGER NOT NULL, 
	entry INTEGER NOT NULL, 
	issue INTEGER NOT NULL, 
	PRIMARY KEY (subscriber, entry), 
	FOREIGN KEY(subscriber) REFERENCES subscribers (id) ON DELETE CASCADE
)
 WITHOUT ROWID



-- table snapshots
CREATE TABLE snapshots (
	entry INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	day INTEGER NOT NULL, 
	votes INTEGER, 
	comments INTEGER, 
	stars INTEGER, 
	PRIMARY KEY (entry, source, day), 
	FOREIGN KEY(entry) REFERENCES entries (num) ON DELETE CASCADE
)
 WITHOUT ROWID



-- table sources
CREATE TABLE sources (
	name TEXT NOT NULL, 
	state TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	checked BIGINT NOT NULL, 
	succeeded BIGINT, 
	dated BIGINT, 
	news BIGINT, 
	found INTEGER NOT NULL, 
	added INTEGER NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (name)
)

-- table sqlite_sequence
CREATE TABLE sqlite_sequence(name,seq)

-- table subscribers
CREATE TABLE subscribers (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	email TEXT NOT NULL, 
	email_key TEXT NOT NULL, 
	name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	profile JSON NOT NULL, 
	cadence TEXT, 
	weekday INTEGER, 
	hour INTEGER, 
	timezone TEXT, 
	language TEXT, 
	origin TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	confirmed BIGINT, 
	asked BIGINT, skim BOOLEAN, asks INTEGER DEFAULT '0' NOT NULL, epoch INTEGER DEFAULT '0' NOT NULL, 
	UNIQUE (email_key)
)

-- table summaries
CREATE TABLE summaries (
	"key" TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY ("key")
)

-- table vectors
CREATE TABLE vectors (
	model TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	vector BLOB NOT NULL, 
	PRIMARY KEY (model, digest)
)

-- table votes
CREATE TABLE votes (
	subscriber INTEGER NOT NULL, 
	entry INTEGER NOT NULL, 
	verb TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (subscriber, entry), 
	FOREIGN KEY(subscriber) REFERENCES subscribers (id) ON DELETE CASCADE
)
 WITHOUT ROWID


