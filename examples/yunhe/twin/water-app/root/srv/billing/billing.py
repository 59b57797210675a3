"""The water bureau's payment service as surveyed.

POST /payments {"reference": TEXT, "bill_id": N, "amount": N}    201, or 409 where the reference is there already
GET  /payments/count                                             200 {"count": N}
GET  /payments/REFERENCE                                         200, or 404
GET  /payments?prefix=TEXT                                       200 {"references": [all that begin so]}
"""

from pathlib import Path
from urllib.parse import unquote
from zlib import crc32

from answering import serve
from asking import Asking

PASSWORD = Path(__file__).with_name("db.pass").read_text().strip()
BILLS = 20000


class Payments(Asking):
    """Answers one client."""

    database = f"host=billing-db.yunhe.example dbname=billing user=billing_app password={PASSWORD}"

    def take(self, path, order):
        """Take a payment."""
        if path != "/payments" or "reference" not in order:
            return 400, {"error": "a payment is {reference: TEXT}, at /payments"}
        reference = str(order["reference"])
        bill = order.get("bill_id", 1 + crc32(reference.encode()) % BILLS)
        statement = "INSERT INTO payments (reference, bill_id, amount) VALUES (%s, %s, %s)"
        values = (reference, bill, order.get("amount", "10.00"))
        return self.asked(statement, values, lambda _rows: (201, {"reference": reference}))

    def show(self, path):
        """Show a payment, or how many there are."""
        if path == "/payments/count":
            return self.asked("SELECT count(*) FROM payments", (), lambda rows: (200, {"count": rows[0][0]}))
        if path.startswith("/payments?prefix="):
            prefix = unquote(path[len("/payments?prefix=") :])
            return self.asked(
                "SELECT reference FROM payments WHERE starts_with(reference, %s)",
                (prefix,),
                lambda rows: (200, {"references": [row[0] for row in rows]}),
            )
        if path.startswith("/payments/"):
            reference = unquote(path[len("/payments/") :])
            return self.asked(
                "SELECT reference, amount::text FROM payments WHERE reference = %s",
                (reference,),
                lambda rows: (200, {"payment": rows[0]}) if rows else (404, {"error": "none"}),
            )
        return 404, {"error": "no such place"}


if __name__ == "__main__":
    serve(Payments, 8080)
