"""Models behind https, against a real TLS server: which certificates hold, and what the user sees of those that do not.

    python3 endpoint_tls.py PROGRAM      exit status 1 and what was seen if a case fails; 77 without the openssl command

PROGRAM is the sizeup program. The server listens on loopback ports and answers as OpenAI's API does; its certificates
are made here, by an authority that no machine knows. The program has a key to send, and a server that is refused must
have seen a connection, but no request: with CURLOPT_SSL_VERIFYPEER or CURLOPT_SSL_VERIFYHOST off it sees the key.
"""

import contextlib
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

KEY = "sk-of-the-team-4711"
RIGHT_NAMES = "IP:127.0.0.1,DNS:localhost"
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
MACHINES_FOLDER = pathlib.Path("/etc/ssl/certs")  # of Debian's libcurl: one file with all authorities, and one for each
MACHINES_FILE = "ca-certificates.crt"

# `openssl ca` is the one command of all its versions that sets both dates.
AUTHORITY = """
[ca]
default_ca = here
[here]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


def openssl(folder, *arguments):
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def make_authority(folder, name):
    folder.mkdir()
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(AUTHORITY)
    openssl(folder, "req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign")


def make_certificate(folder, name, alternative_names, first="20200101000000Z", last="20491231000000Z"):
    """NAME.pem, with its key in it."""
    (folder / f"{name}.ext").write_text(f"subjectAltName={alternative_names}\n")
    openssl(folder, "req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=server")
    openssl(folder, "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr",
            "-out", f"{name}.crt", "-extfile", f"{name}.ext", "-startdate", first, "-enddate", last)
    (folder / f"{name}.pem").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text())


class Answers(http.server.BaseHTTPRequestHandler):
    """Lists one model and says "billing" to every conversation."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({"data": [{"id": "tiny"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/chat/completions"):
            self.answer({"error": {"message": "not here"}}, 404)
            return
        message = {"role": "assistant", "content": "billing"}
        self.answer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                     "usage": {"prompt_tokens": 7, "completion_tokens": 1}})

    def answer(self, content, status=200):
        self.server.requests.append((self.path, self.headers.get("Authorization")))
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """With a certificate it speaks TLS alone. A handshake is made on its connection's thread, and may fail."""

    def __init__(self, certificate=None):
        super().__init__(("127.0.0.1", 0), Answers)
        self.connections = 0
        self.requests = []  # path and authorization
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)

    def finish_request(self, request, client_address):
        self.connections += 1
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request, client_address):
        pass


@contextlib.contextmanager
def served(certificate=None):
    server = Server(certificate)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.own = cls.folder / "own"
        make_authority(cls.own, "authority of this test")
        make_certificate(cls.own, "right", RIGHT_NAMES)
        make_certificate(cls.own, "elsewhere", "DNS:elsewhere.example")
        make_certificate(cls.own, "expired", RIGHT_NAMES, last="20200102000000Z")
        cls.another = cls.folder / "another"
        make_authority(cls.another, "another authority")

    def run_program(self, arguments, launcher=()):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environment |= {"OPENAI_API_KEY": KEY, "HF_TOKEN": KEY, "HF_HOME": str(self.folder / "home"), "no_proxy": "*"}
        line = json.dumps({"messages": [{"role": "user", "content": "Where is my invoice?"}], "max_tokens": 4})
        done = subprocess.run([*launcher, PROGRAM, *arguments], input=line, env=environment, capture_output=True, text=True, timeout=120)
        self.assertNotIn(KEY, done.stdout + done.stderr)
        return done

    def generate(self, base_url, ca_file=None, launcher=()):
        option = "" if ca_file is None else f"&ca_file={ca_file}"
        return self.run_program(["generate", f"openai:tiny?base_url={base_url}/v1{option}"], launcher)

    def assert_answered(self, done, server):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["text"], "billing")
        self.assertEqual(server.requests[-1], ("/v1/chat/completions", f"Bearer {KEY}"))

    def assert_refused(self, done, server, *words):
        """Exit status, words of the message and the hint; a connection was made, and nothing was asked over it."""
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertGreater(server.connections, 0)
        self.assertEqual(server.requests, [])

    def test_unknown_authority_is_refused(self):
        with served(self.own / "right.pem") as server:
            done = self.generate(f"https://127.0.0.1:{server.server_port}")
            self.assert_refused(done, server, "unable to get local issuer certificate", "certificates are always checked", "ca_file=FILE")
        with served(self.own / "right.pem") as server:  # as bad as none: the file's authority made another certificate
            done = self.generate(f"https://127.0.0.1:{server.server_port}", self.another / "ca.pem")
            self.assert_refused(done, server, "unable to get local issuer certificate")

    def test_authority_of_ca_file_holds(self):
        for host in ["127.0.0.1", "localhost"]:
            with served(self.own / "right.pem") as server:
                done = self.generate(f"https://{host}:{server.server_port}", self.own / "ca.pem")
                self.assert_answered(done, server)

    def test_another_host_name_is_refused(self):
        for host in ["127.0.0.1", "localhost"]:
            with served(self.own / "elsewhere.pem") as server:
                done = self.generate(f"https://{host}:{server.server_port}", self.own / "ca.pem")
                self.assert_refused(done, server, "subject name", host, "certificates are always checked")

    def test_expired_certificate_is_refused(self):
        with served(self.own / "expired.pem") as server:
            done = self.generate(f"https://127.0.0.1:{server.server_port}", self.own / "ca.pem")
            self.assert_refused(done, server, "certificate has expired", "certificates are always checked")

    def test_http_to_a_port_of_https_and_the_reverse(self):
        with served(self.own / "right.pem") as server:
            done = self.generate(f"http://127.0.0.1:{server.server_port}")
            self.assert_refused(done, server, "http or https")
        with served() as server:
            done = self.generate(f"https://127.0.0.1:{server.server_port}", self.own / "ca.pem")
            self.assert_refused(done, server, "SSL", "http or https")

    def test_ca_file_without_certificates_is_named(self):
        text = self.folder / "text.pem"
        text.write_text("no certificate\n")
        for ca_file in [self.folder / "absent.pem", text, self.folder]:
            with served(self.own / "right.pem") as server:
                done = self.generate(f"https://127.0.0.1:{server.server_port}", ca_file)
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn(f"{ca_file}\n", done.stderr)
                self.assertIn("ca_file=FILE (PEM)", done.stderr)
                self.assertEqual(server.requests, [])

    def test_ca_file_stands_instead_of_the_machines_authorities(self):
        machines = self.folder / "machines"
        machines.mkdir()
        name = openssl(self.own, "x509", "-noout", "-hash", "-in", "ca.pem").strip()
        for file in [MACHINES_FILE, f"{name}.0"]:
            shutil.copy(self.own / "ca.pem", machines / file)
        mount = ["unshare", "-rm", "sh", "-c", f"mount --bind '{machines}' {MACHINES_FOLDER} && exec \"$@\"", "sh"]
        if not (MACHINES_FOLDER / MACHINES_FILE).exists():
            self.skipTest(f"no {MACHINES_FOLDER / MACHINES_FILE}")
        if shutil.which("unshare") is None or subprocess.run([*mount, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no mount namespaces here")
        with served(self.own / "right.pem") as server:
            done = self.generate(f"https://127.0.0.1:{server.server_port}", launcher=mount)
            self.assert_answered(done, server)
        with served(self.own / "right.pem") as server:
            done = self.generate(f"https://127.0.0.1:{server.server_port}", self.another / "ca.pem", mount)
            self.assert_refused(done, server, "unable to get local issuer certificate")

    def test_hub_of_an_unknown_authority_is_refused(self):
        with served(self.own / "right.pem") as server:
            done = self.run_program(["inspect", "hf:org/tiny"], ["env", f"HF_ENDPOINT=https://127.0.0.1:{server.server_port}"])
            self.assert_refused(done, server, "unable to get local issuer certificate")


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("the openssl command is absent", file=sys.stderr)
        sys.exit(77)
    PROGRAM = sys.argv.pop(1)
    unittest.main()
