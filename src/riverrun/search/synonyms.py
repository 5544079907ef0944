"""Words that programmers use for one another, so that a question need not guess the code's own word.

Each line is a group; a word may stand in several. Written by hand from the field's usage: abbreviations, the verbs of
everyday code, the nouns of the web, of data, of processes. It knows no repository.
"""

from collections import defaultdict
from collections.abc import Mapping

_GROUPS = """
argument arg parameter param
application app
allocate alloc
asynchronous async coroutine awaitable
attribute attr field property column
authentication authenticate auth login credential
authorization authorize auth permission
boolean bool flag
buffer buf
calculate compute evaluate
callback handler hook listener
character char
command cmd
configuration config conf setting option preference
connection conn connect
context ctx
current present
database db
decrement dec
default fallback
dictionary dict map mapping
directory dir folder
document doc
environment environ env
error err exception exc failure fault
expression expr
function func fn method callable
identifier id key
image img
implementation impl
increment inc
index idx
information info
initialize init setup
integer int
iterate iterator iteration loop
length len size count number amount
maximum max limit
message msg
minimum min
miscellaneous misc
object obj instance
original orig
package pkg
parent outer enclosing
password passwd pwd passphrase secret credential
pointer ptr
previous prev
reference ref
regular regex regexp pattern
repository repo
request req
response resp reply answer result
row record
source src
specification spec
statement stmt sql query
string str text
synchronous sync
table relation
temporary temp tmp
timestamp time date clock
transaction tx
utility util helper
value val
variable var
version revision
abort cancel interrupt
accept allow permit
access permission
activate enable
add insert append
address url uri link
alive liveness ping heartbeat health
alter change modify update mutate
array list sequence
ask request query
assert check ensure inspect test validate verify
backoff retry again
batch chunk split divide partition
begin start launch boot
binary byte
block wait sleep
body payload content
build create make construct generate
cache memoize
cap quota limit throttle
cast convert coerce transform translate turn
censor hide hidden mask obfuscate redact sanitize
child worker process
choose decide pick select
clone copy duplicate
combine concat join merge
compare equal match
compile translate transform convert
compress deflate gzip zip
consume receive recv
crash die lost
cron crontab schedule
cross cors
deactivate disable
dead stale
deadline expire timeout
debug trace traceback
decode interpret parse understand
delay countdown eta
delay duration elapsed interval
delete discard drop erase purge remove
deliver dispatch emit publish send transmit
deny forbid refuse reject
digest hash checksum
domain host origin site
double exponential
dump persist save store write
empty none null
end exit halt kill shutdown stop terminate
endpoint route view
escape quote
fail error
fast quick
fetch load read retrieve
find locate lookup resolve search
finish complete done
format display print render show
forward hop redirect location
header head
ignore skip
inner nested
job task
jitter random
listen subscribe
lock mutex
lost missing
order sort
part portion range segment
raise throw
revert rollback undo
slow throttle
upload multipart
user username account
warn warning
"""


def _by_word(groups: str) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for group in groups.split("\n"):
        words = group.split()
        for word in words:
            found[word].update(words)
    return {word: frozenset(others - {word}) for word, others in found.items()}


SYNONYMS = _by_word(_GROUPS)
"""The other words of a word's groups. Base forms, singular, lower case."""
