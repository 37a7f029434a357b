"""The baseline: the seed's three requests by hand with httpx, or N plain posts (`bare_httpx.py URL --posts N`)."""

from __future__ import annotations

import sys

import httpx

QUERY = "query listCustomers {\n  customers {\n    nodes {\n      id\n      name\n      externalId\n    }\n  }\n}"


def rotate(base: str, refresh_token: str) -> None:
    """Refresh, query, revoke."""
    with httpx.Client() as client:
        answer = client.post(f"{base}/auth/refresh", json={"refresh_token": refresh_token})
        assert answer.status_code == 200
        token = answer.json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.post(f"{base}/api", json={"query": QUERY}, headers=headers)
        assert answer.status_code == 200
        answer = client.post(f"{base}/auth/revoke", json={"refresh_token": refresh_token})
        assert answer.status_code == 200
    print(token)


def posts(base: str, count: int) -> None:
    """Send `count` posts and read a member of each answer."""
    with httpx.Client() as client:
        for number in range(count):
            answer = client.post(f"{base}/things", json={"number": number})
            assert answer.status_code == 200
            answer.json()["id"]


if __name__ == "__main__":
    if "--posts" in sys.argv:
        posts(sys.argv[1], int(sys.argv[-1]))
    else:
        rotate(sys.argv[1], sys.argv[2])
