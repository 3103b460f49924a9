"""Create the peer's database: `python prepare.py CARTS` with BENCH_DATABASE set.

Creates CARTS customers, each with a token and an open basket of three products that are in stock.
"""

import os
import sys
from decimal import Decimal

import django
from django.core.management import call_command

STOCK = 10_000_000
PRODUCTS = 3


def main() -> None:
    (carts,) = sys.argv[1:]
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from oscar.apps.address.models import Country
    from oscar.apps.basket.models import Basket, Line
    from oscar.apps.catalogue.models import Product, ProductClass
    from oscar.apps.partner.models import Partner, StockRecord
    from rest_framework.authtoken.models import Token

    Country.objects.create(
        iso_3166_1_a2="US", printable_name="United States", name="United States", is_shipping_country=True
    )
    groceries = ProductClass.objects.create(name="Groceries", track_stock=True)
    partner = Partner.objects.create(name="Sample Market")
    records = []
    for number in range(PRODUCTS):
        product = Product.objects.create(product_class=groceries, title=f"Sample product {number}", upc=f"{number:012}")
        records.append(
            StockRecord.objects.create(
                product=product,
                partner=partner,
                partner_sku=f"sku-{number}",
                price=Decimal("2.49"),
                price_currency="GBP",
                num_in_stock=STOCK,
            )
        )
    numbers = range(1, int(carts) + 1)
    User.objects.bulk_create(User(id=n, username=f"user-{n}", email=f"user-{n}@example.com") for n in numbers)
    Token.objects.bulk_create(Token(key=f"{n:040x}", user_id=n) for n in numbers)
    Basket.objects.bulk_create(Basket(id=n, owner_id=n) for n in numbers)
    Line.objects.bulk_create(
        Line(
            basket_id=n,
            line_reference=f"{record.product_id}_{record.id}",
            product_id=record.product_id,
            stockrecord=record,
            quantity=1,
            price_currency="GBP",
            price_excl_tax=record.price,
            price_incl_tax=record.price,
            tax_code=None,
        )
        for n in numbers
        for record in records
    )


if __name__ == "__main__":
    main()
