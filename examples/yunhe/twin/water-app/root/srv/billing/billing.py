"""The water bureau's payment service as surveyed: one database connection for each request.

POST /payments {"reference": TEXT, "bill_id": N, "amount": N}    201, or 409 where the reference is there already
GET  /payments/count                                             200 {"count": N}
GET  /payments/REFERENCE                                         200, or 404
GET  /payments?prefix=TEXT                                       200 {"references": [all that begin so]}
"""

import json
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote
from zlib import crc32

import psycopg2
from psycopg2 import errorcodes

DATABASE = "host=billing-db.yunhe.example port=5432 dbname=billing user=billing_app connect_timeout=10"
PASSWORD = Path(__file__).with_name("db.pass")
BILLS = 20000


class Handler(BaseHTTPRequestHandler):
    """Answers one client."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Take a payment."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            order = json.loads(body)
            reference = str(order["reference"])
            bill = int(order.get("bill_id", 1 + crc32(reference.encode()) % BILLS))
            amount = str(order.get("amount", "10.00"))
        except (ValueError, KeyError, TypeError):
            return self.answer(400, {"error": 'a payment is {"reference": TEXT}'})
        if self.path != "/payments":
            return self.answer(404, {"error": "no such place"})
        statement = "INSERT INTO payments (reference, bill_id, amount) VALUES (%s, %s, %s)"
        return self.asked(statement, (reference, bill, amount), lambda _rows: (201, {"reference": reference}))

    def do_GET(self):
        """Show a payment, or how many there are."""
        if self.path == "/payments/count":
            return self.asked("SELECT count(*) FROM payments", (), lambda rows: (200, {"count": rows[0][0]}))
        if self.path.startswith("/payments?prefix="):
            prefix = unquote(self.path[len("/payments?prefix=") :])
            return self.asked(
                "SELECT reference FROM payments WHERE starts_with(reference, %s)",
                (prefix,),
                lambda rows: (200, {"references": [row[0] for row in rows]}),
            )
        if self.path.startswith("/payments/"):
            reference = unquote(self.path[len("/payments/") :])
            return self.asked(
                "SELECT reference, amount::text FROM payments WHERE reference = %s",
                (reference,),
                lambda rows: (200, {"payment": rows[0]}) if rows else (404, {"error": "none"}),
            )
        return self.answer(404, {"error": "no such place"})

    def asked(self, statement, values, told):
        """Run one statement in a connection of its own and answer with what it says."""
        try:
            connection = psycopg2.connect(DATABASE, password=PASSWORD.read_text().strip())
            with closing(connection), connection, connection.cursor() as cursor:
                cursor.execute(statement, values)
                rows = cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            if error.pgcode == errorcodes.UNIQUE_VIOLATION:
                return self.answer(409, {"error": "this reference has been paid"})
            self.log_error("%s", error)
            return self.answer(503, {"error": "the database does not answer"})
        return self.answer(*told(rows))

    def answer(self, status, value):
        """Write one JSON answer."""
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_request(self, code="-", size="-"):
        """Keep the journal for what went wrong."""


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
