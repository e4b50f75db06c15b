"""The CA of scripts/gen-certs, to issue and to revoke while a test runs; and the folder where control
looks for what its document names."""

import os
import shutil
import subprocess

from secure_streams import path


class Authority:
    """The CA of scripts/gen-certs, with a database of its own."""

    def __init__(self):
        self.folder = os.path.join(os.environ["INTEROP_DIR"], "authority")
        os.mkdir(self.folder)
        for name, text in (("index", ""), ("crlnumber", "1000\n"), ("serial", "100000\n")):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                file.write(text)
        with open(os.path.join(self.folder, "config"), "w", encoding="ascii") as file:
            file.write("""[ca]
default_ca = this
[this]
database = {0}/index
crlnumber = {0}/crlnumber
serial = {0}/serial
new_certs_dir = {0}
certificate = {1}
private_key = {2}
default_md = sha256
default_crl_days = 30
default_days = 30
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
""".format(self.folder, path("ca.pem"), path("ca.key")))

    def run(self, *arguments):
        subprocess.run(["openssl", "ca", "-batch", "-config", os.path.join(self.folder, "config"),
                        *arguments], check=True, capture_output=True)

    def revoke(self, certificate):
        """And puts the new CRL where control finds it."""
        self.run("-revoke", path(certificate + ".pem"))
        made = os.path.join(self.folder, "crl")
        self.run("-gencrl", "-out", made)
        put(made, "ca.crl")

    def issue(self, domain, kind="ec"):
        """A new key (ec, rsa) and certificate of that domain: their files' paths."""
        key, csr, made = (os.path.join(self.folder, "%s.%s" % (domain, what))
                          for what in ("key", "csr", "pem"))
        option = {"ec": "ec_paramgen_curve:P-256", "rsa": "rsa_keygen_bits:2048"}[kind]
        subprocess.run(
            ["openssl", "req", "-new", "-newkey", kind, "-pkeyopt", option, "-nodes",
             "-keyout", key, "-out", csr, "-subj", "/CN=" + domain, "-addext",
             "subjectAltName=URI:sip:{0},DNS:{0}".format(domain)], check=True, capture_output=True)
        self.run("-notext", "-in", csr, "-out", made)
        return key, made


def put(file, name):
    """In the folder of control, as a whole, readable by its user alone."""
    there = os.path.join(os.environ["INTEROP_CERTIFICATES"], name)
    shutil.copy(file, there + ".new")
    shutil.chown(there + ".new", "nobody")
    os.chmod(there + ".new", 0o600)
    os.rename(there + ".new", there)
