"""What the proofs feed an installation with: its files, what its mail server answers, and every command that is typed.

A string of commands is one command a line, as in a shell; see proofs.py for the moment at which each is run.
"""

CONFIG = """
[newsletter]
sender = "The Weekly Preprint <weekly@papers.example.org>"
reply_to = "The Editors <editors@papers.example.org>"
base_url = "https://papers.example.org"
postal_address = "The Weekly Preprint, 1 Example Street, Example City"
secret_file = "newsletter.secret"

[theme]
accent = "#0b6e4f"

[smtp]
host = "127.0.0.1"
security = "none"
connections = 1
hello_name = "newsletter.example.org"

[dkim]
domain = "papers.example.org"
selector = "s2025"
key_file = "dkim.pem"
ed25519_selector = "e2025"
ed25519_key_file = "dkim-ed25519.pem"

[bounces]
address = "bounces@papers.example.org"
maildir = "Maildir"
postmark_password = "hook:sesame"
"""
SOURCES = """
[[source]]
name = "seeds"
location = "papers.jsonl"

[[source]]
name = "atom"
kind = "arxiv"
location = "sources/arxiv.atom"

[[source]]
kind = "feed"
location = "sources/journal.rss"

[[source]]
kind = "biorxiv"
location = "sources/biorxiv.json"

[[source]]
kind = "huggingface"
location = "sources/huggingface.json"

[[source]]
kind = "openreview"
location = "sources/openreview.json"

[[source]]
name = "semantic"
kind = "semanticscholar"
location = "sources/semanticscholar.json"

[[source]]
name = "missing"
location = "missing.jsonl"
"""
READERS = """
{"email": "omar@example.net", "name": "عمر", "language": "ar", "interests": "plasma physics; fluid dynamics"}
{"email": "gerda@example.net", "name": "Gerda", "language": "de", "interests": [{"name": "LLM", "weight": 2}, "Video"]}
{"email": "skim@example.net", "skim": true, "size": 3, "interests": "video diffusion", "muted": "survey"}
{"email": "daily@example.com", "cadence": "daily", "interests": "reasoning"}
{"email": "monthly@example.com", "cadence": "monthly", "interests": "reasoning"}
{"email": "paused@example.com", "status": "paused", "interests": "reasoning"}
{"email": "seoul@example.com", "timezone": "Asia/Seoul", "weekday": "monday", "hour": 7, "hype": 1, "surprise": 0.3}
{"email": "plain@example.com"}
{"email": "brasil@example.com", "name": "Zé", "language": "pt-BR", "interests": "audio; music", "liked": ["hdflow"]}
{"email": "later@example.org", "name": "Later", "interests": "attention"}
{"email": "gone@example.org", "name": "Gone", "interests": "attention"}
{"email": "cut@example.org", "name": "Cut", "interests": "attention"}
{"email": "policy@example.info", "name": "Policy", "interests": "attention"}
{"email": "back@example.info", "name": "Back", "interests": "attention", "disliked": ["flashattention"]}
{"email": "angry@example.info", "name": "Angry", "interests": "attention"}
{"email": "hooked@example.info", "name": "Hooked", "interests": "attention"}
"""
TABLE = """email,name,language,interests,size
csv@example.net,"Comma, Separated",de,video diffusion; plasma physics,4
csv@example.net,Twice,,,
,nobody,,,
"""
BROKEN = """
{"email": "half@example.net"
{"name": "without an address"}
{"email": "a@b@c", "name": "wrong"}
{"email": "fine@example.net", "size": 0}
[1]
"""
PROFILE = '{"interests": [{"name": "Plasma", "keywords": ["plasma physics"], "liked": ["hdflow"]}], "size": 4}'
SEEN = '{"profile": "amelie-fournier", "entry": "adaspa"}\n{"profile": "chen-siyuan"}\n'
WRONG = {
    "not-toml.toml": "[newsletter\n",
    "unknown.toml": '[newsletter]\nnmae = "x"\n[smpt]\nport = 1\n',
    "values.toml": '[smtp]\nport = "x"\nsecurity = "ssl"\n[schedule]\nhour = 25\n[theme.light]\npaper = "red"\n',
    "secret.toml": '[newsletter]\nsecret_file = "nowhere"\n',
    "key.toml": '[newsletter]\nsender = "x@y.example"\n[dkim]\ndomain = "z.example"\nselector = "s"\nkey = "no key"\n',
    "no-key.toml": '[newsletter]\nsender = "x@z.example"\n[dkim]\ndomain = "z.example"\nselector = "s"\nkey = "x"\n',
    "store.toml": '[store]\nurl = "nosuch:///x"\n',
    "twins.toml": '[[source]]\nlocation = "a/x.rss"\n[[source]]\nlocation = "b/x.rss"\n',
    "templates.toml": '[newsletter]\ntemplates = "own"\n[store]\nurl = "sqlite:///other.db"\n',
}
ANSWERS = {  #: of the mail server, for those that it does not take a mail for
    "later@example.org": "451 4.3.0 come back later",
    "gone@example.org": "550 5.1.1 no such user",
    "policy@example.info": "554 5.7.1 not wanted here",
    "refused@example.net": "550 5.1.1 no such user",
    "cut@example.org": "cut",
}

BEFORE_ALL = """
--version
--help
nosuch
status --nosuch
init .
init .
init newsletter.toml/folder
migrate
entries
entries --format jsonl
status
status --format json
issues
subscribers list
subscribers export
evaluate
plan --until yesterday
send 2025-W12
doctor --offline
"""
WRONGLY = """
--config nowhere.toml status
--config not-toml.toml status
--config unknown.toml status
--config values.toml status
--config secret.toml status
--config key.toml status
--config no-key.toml status
--config no-key.toml doctor --offline
--config store.toml status
--config twins.toml status
--config templates.toml plan
--config templates.toml lint
status --config unknown.toml
"""
COLLECTING = """
collect --dry-run
collect --dry-run --format jsonl seeds atom
collect nowhere
collect missing
collect
collect --format jsonl
collect --force seeds
entries
entries --format jsonl
entries --since 2025-03-18
entries --since tomorrow
entries --source seeds
status
status --format json
"""
READING = """
subscribers import readers.jsonl
subscribers import readers.csv
subscribers import broken.jsonl
subscribers import nowhere.csv
subscribers import papers.jsonl
subscribers add ada@example.org --name Ada --interests "video diffusion; plasma physics" --muted "survey" --size 6
subscribers add ada@example.org
subscribers add "not an address"
subscribers add "brä@example.org"
subscribers add bob@straße.example --language de --cadence weekly
subscribers add kim@example.org --size 2000
subscribers add kim@example.org --cadence hourly
subscribers like ada@example.org library/refs.bib
subscribers like ada@example.org library/broken.bib
subscribers like ada@example.org library/refs.ris
subscribers like ada@example.org library/csl.json
subscribers like ada@example.org library/zotero.json
subscribers like ada@example.org library/nowhere.bib
subscribers like nobody@example.org library/refs.bib
subscribers vote ada@example.org more hdflow
subscribers vote ada@example.org less hyperzzw
subscribers vote ada@example.org save flashattention
subscribers vote ada@example.org undo hyperzzw
subscribers vote ada@example.org undo hyperzzw
subscribers vote ada@example.org more nosuch
subscribers vote ada@example.org love hdflow
subscribers pause skim@example.net
subscribers resume skim@example.net
subscribers unsubscribe csv@example.net
subscribers resume csv@example.net
subscribers pause nobody@example.org
subscribers erase nobody@example.org --yes
subscribers list
subscribers list --status paused
subscribers list --format jsonl
subscribers show ada@example.org
subscribers show nobody@example.org
subscribers export
subscribers export --csv
subscribers export out.csv
subscribers export nowhere/out.jsonl
"""
LOOKING = """
lint
lint --json
lint own
lint own --json
lint library
doctor --offline --format jsonl --to ada@example.org
preview --subscriber ada@example.org
preview --subscriber gerda@example.net --out gerda.html
preview --subscriber skim@example.net --out skim.eml
preview --profile profile.json --out profile.eml
preview --profile papers.jsonl
preview --subscriber nobody@example.org
preview 2025-W99 --out nothing.html
explain ada@example.org hdflow
explain ada@example.org adaspa --format json
explain gerda@example.net hyperzzw --format json
explain ada@example.org nosuch
rank --entries papers.jsonl --profiles profiles.jsonl
rank --entries papers.jsonl --profiles profiles.jsonl --size 3 --seen seen.jsonl --library library.jsonl
rank --entries papers.jsonl --profiles readers.jsonl
rank --entries nowhere.jsonl --profiles profiles.jsonl
rank --entries papers.jsonl --profiles profiles.jsonl --model nosuch
"""
PLANNING = """
plan
plan
plan --cadence daily
plan --cadence monthly --key march
plan --key "no key"
issues
issues --format jsonl
issues --pause 2025-W12 --resume 2025-W12
issues --pause 2025-W99
send 2025-W99
send 2025-W12 --dry-run dry
send 2025-W12 --test-to editor@example.org
send 2025-W12 --test-to refused@example.net
send 2025-W12 --test-to nonsense
status 2025-W12
explain ada@example.org adaspa --issue 2025-W12
"""
SENDING = """
send 2025-W12
send 2025-W12
send 2025-03-17
-v send march
status 2025-W12
status 2025-W12 --format json
status 2025-W99
status --watch
issues
resolve 2025-W12
resolve 2025-W12 --hold --resend
resolve 2025-W12 --log papers.jsonl
resolve 2025-W12 --message-ids ids.txt
explain ada@example.org adaspa
explain ada@example.org flashattention --format json
preview 2025-W12 --subscriber ada@example.org --out ada.eml
"""
SENDING_ON = """
issues --pause 2025-W12
issues --format jsonl
status 2025-W12
resolve 2025-W12 --resend
send 2025-W12 --connections 2
issues --resume 2025-W12
status 2025-03-17 --watch
status 2025-W12 --format json
"""
COMING_BACK = """
bounces returned/back.eml --dry-run
bounces returned/back.eml
bounces returned/back.eml --format jsonl
bounces returned --format jsonl
bounces samples
bounces samples --format jsonl
bounces
bounces nowhere.eml
subscribers show back@example.info
subscribers list --format jsonl
"""
NEXT_WEEK = """
collect
collect seeds --format jsonl
plan
send 2025-W13
plan --cadence daily
send 2025-03-24
evaluate
evaluate --format json
evaluate --issues 1 --out quality.html
evaluate --since 2025-03-20 --format json
explain ada@example.org hdflow
explain ada@example.org hdflow --format json
issues
issues --format jsonl
status
status --format json
subscribers erase bob@xn--strae-oqa.example --yes
subscribers export
migrate
"""
