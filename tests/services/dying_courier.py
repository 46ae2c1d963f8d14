"""Delivers the outbox of the records at a URL until it is killed: `dying_courier.py URL`."""

import ipaddress
import sys
from datetime import timedelta

from tests.receiver import LOOPBACK
from webapp.courier import Courier
from webapp.records import Records

if __name__ == "__main__":
    allowed = [ipaddress.ip_network(LOOPBACK)]
    Courier(Records(sys.argv[1]), "key", allowed, lease=timedelta(seconds=2)).deliver_due()
