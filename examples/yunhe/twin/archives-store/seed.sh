#!/bin/bash
# The archive's server as surveyed: some thousand files of thirty years, with everything that such a store collects.
set -euo pipefail
groupadd --gid 3407 archive
groupadd --gid 3411 readers
useradd --uid 3407 --gid archive --home-dir /srv/archive --no-create-home --shell /usr/sbin/nologin archive
useradd --uid 3412 --gid readers --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin scanner
mkdir -p /srv/archive
python3 - <<'PYTHON'
import os
import random
from pathlib import Path

chance = random.Random(20091102)
root = Path("/srv/archive")
ARCHIVE, READERS, SCANNER, GONE = 3407, 3411, 3412, 4999


def put(path, text, owner=ARCHIVE, group=ARCHIVE, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    os.chown(path, owner, group)
    path.chmod(mode)
    when = chance.randrange(757382400, 1735689600) + chance.random()
    os.utime(path, (when, when), follow_symlinks=False)


for year in range(1994, 2024):
    for number in range(96):
        district = chance.choice(("城东", "城西", "north bank", "mill-lane"))
        name = f"{number:03d}_{chance.choice(('图纸', 'permit', '竣工 验收', 'as built'))}.dwg"
        put(root / "drawings" / str(year) / district / name, chance.randbytes(chance.randrange(0, 3000)))
odd = root / "odd names"
for name in (
    " leading and trailing ", "-rf", "--delete", "new\nline", "tab\there", "*?[a].txt", "\"quoted\" 'twice'", "back\\slash",
    "$HOME", "`id`", ";true", "云河区城市建设档案馆", "\u200bhidden", ".dot", "..two", "x" * 255, "#hash", "%20", "~",
    "a:b", "latin-\udce9",
):
    put(odd / name, os.fsencode(name) * 3)
put(root / "permits" / "secret.txt", b"readers only\n", SCANNER, READERS, 0o640)
put(root / "permits" / "left by someone.txt", b"the owner's account is gone\n", GONE, GONE, 0o600)
put(root / "permits" / "tool", b"#!/bin/sh\n", 0, READERS, 0o2755)
put(root / "ledger.txt", b"one file, three names\n" * 100)
for other in ("drawings/ledger of 1994.txt", "permits/ledger.txt"):
    os.link(root / "ledger.txt", root / other)
os.symlink("../ledger.txt", root / "permits" / "link to the ledger")
os.symlink("/etc/hostname", root / "permits" / "absolute link")
os.symlink("nowhere", root / "permits" / "dangling")
with (root / "sparse.img").open("wb") as sparse:
    sparse.seek(64 * 1024 * 1024)
    sparse.write(b"end")
os.setxattr(root / "ledger.txt", "user.catalogue", "档号 0001".encode())
for empty in ("empty/1", "empty/2/3"):
    (root / empty).mkdir(parents=True)
os.mkfifo(root / "permits" / "queue")
(root / "deposits").mkdir()
for folder, folders, files in os.walk(root):
    os.lchown(folder, ARCHIVE, ARCHIVE)
    for name in files:
        if os.path.islink(os.path.join(folder, name)):
            os.lchown(os.path.join(folder, name), ARCHIVE, READERS)
(root / "permits").chmod(0o2775)
os.chown(root / "permits", ARCHIVE, READERS)
os.chmod(root / "permits", 0o2775)
(root / "drop").mkdir()
os.chmod(root / "drop", 0o1777)
PYTHON
if command -v setfacl >/dev/null; then setfacl -m u:3412:r /srv/archive/ledger.txt || true; fi
cp /root/shared/answering.py /srv/archive-site/
chown -R root:archive /srv/archive-site
chmod 0750 /srv/archive-site
rm -f /etc/nginx/sites-enabled/default
ln -s ../sites-available/archive-site /etc/nginx/sites-enabled/archive-site
systemctl daemon-reload
systemctl enable --now archive-site.service nginx.service 2>/dev/null
