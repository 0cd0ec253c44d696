"""What webhooks may be sent to, in every spelling there is."""

import asyncio
import socket

import pytest

from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks.addresses import Networks
from tidemill_notifier.webhooks.guard import AddressRefused, Found, Guard, UrlRefused

STRICT = WebhookSettings()
OPEN = WebhookSettings(webhook_allow_http=True, webhook_ports="*")
REFUSED = [
    # this machine
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "http://127.255.255.254/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://printer.localhost/",
    "http://localhost.localdomain/",
    "http://0.0.0.0/",
    "http://0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::1]:8080/",
    # other spellings of its number
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://127.0.0.0x1/",
    "http://127.0.0.01/",
    "http://256.0.0.1/",
    "http://1.2.3.4.5/",
    "http://127。0。0。1/",
    "http://127\uff0e0\uff0e0\uff0e1/",
    "http://127｡0｡0｡1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://١٢٧.0.0.1/",
    "http://%31%32%37.0.0.1/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    # private networks, machines' own, everybody's
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://192.88.99.1/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://metadata.google.internal/",
    "http://printer.local/",
    # IPv6, alone and around IPv4
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[::1%251]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[ff0e::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[2606:4700::5efe:7f00:1]/",
    "http://[v1.a]/",
    "http://[::1/",
    # who, where to and how
    "http://user@example.org/",
    "http://user:password@example.org/",
    "http://example.org@127.0.0.1/",
    "http://@example.org/",
    "http://example.org:0/",
    "http://example.org:65536/",
    "http://example.org:80:80/",
    "http://example.org:http/",
    "http://example.org\\@127.0.0.1/",
    "http://example.org/#fragment",
    "http:///hooks",
    "http:/hooks",
    "http://",
    "//example.org/",
    "example.org",
    "",
    "file:///etc/passwd",
    "ftp://example.org/",
    "gopher://example.org/",
    "javascript:alert(1)",
    "ws://example.org/",
    " http://example.org/",
    "http://example.org/\r\nX-Injected: 1",
    "http://exa\tmple.org/",
    "http://exam ple.org/",
    "http://exa\u00a0mple.org/",
    "http://example..org/",
    "http://-example.org/",
    "http://example.org,127.0.0.1/",
    f"http://{'a' * 64}.org/",
    f"http://{'a.' * 127}org/",
    f"http://example.org/{'a' * 2_000}",
]
ALLOWED = [
    "http://example.org/",
    "http://example.org./hooks?for=tidemill",
    "http://EXAMPLE.org:8080/",
    "http://bücher.example/",
    "http://8.8.8.8/",
    "http://172.32.0.1/",
    "http://[2606:4700:4700::1111]/",
    "http://[64:ff9b::808:808]/",
    "http://[::ffff:8.8.8.8]/",
    "https://hooks.example.org:8443/a%20b",
    "https://example.org/@me?of[]=1",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_within_the_network_or_written_to_hide_one_is_refused(url: str) -> None:
    guard = Guard(OPEN)

    with pytest.raises(UrlRefused) as refused:
        guard.read(url)

    assert refused.value.errors[0].field == "url"


@pytest.mark.parametrize("url", ALLOWED)
async def test_an_address_on_the_internet_is_allowed(url: str) -> None:
    guard = Guard(OPEN)

    found = guard.read(url)

    assert found.raw_host


@pytest.mark.parametrize("url", ["http://example.org/", "https://example.org:25/"])
async def test_plain_http_and_other_ports_take_a_setting(url: str) -> None:
    guard = Guard(STRICT)

    with pytest.raises(UrlRefused):
        guard.read(url)


@pytest.mark.parametrize("url", ["https://example.org/", "https://example.org:8443/"])
async def test_https_and_its_usual_ports_take_none(url: str) -> None:
    guard = Guard(STRICT)

    found = guard.read(url)

    assert str(found) == url


@pytest.mark.parametrize(
    ("network", "address", "allowed"),
    [
        ("10.1.0.0/16", "10.1.2.3", True),
        ("10.1.0.0/16", "10.2.2.3", False),
        ("10.1.0.0/16", "::ffff:10.1.2.3", True),
        ("10.1.0.0/16", "::ffff:10.2.2.3", False),
        ("127.0.0.0/8, ::1/128", "::1", True),
        ("127.0.0.0/8, ::1/128", "10.1.2.3", False),
        ("", "no address", False),
    ],
)
def test_a_private_network_is_allowed_by_its_name_alone(
    network: str, address: str, *, allowed: bool
) -> None:
    networks = Networks.of(network)

    found = networks.allow(address)

    assert found is allowed


async def test_a_name_with_one_address_that_is_not_allowed_is_refused_as_a_whole() -> None:
    async def both(host: str, port: int) -> list[Found]:
        del host, port
        return [(socket.AF_INET, "8.8.8.8"), (socket.AF_INET, "10.0.0.1")]

    guard = Guard(OPEN, both)

    with pytest.raises(AddressRefused):
        await guard.resolve("example.org", 443)
    with pytest.raises(UrlRefused):
        await guard.check("https://example.org/")


async def test_a_name_of_this_machine_is_refused_as_it_resolves() -> None:
    guard = Guard(OPEN)

    with pytest.raises(AddressRefused):
        await guard.resolve("localhost", 443)


async def test_a_name_without_an_address_may_come_to_have_one() -> None:
    async def silent(host: str, port: int) -> list[Found]:
        return await asyncio.Future[list[Found]]() if port else [(0, host)]

    async def unknown(host: str, port: int) -> list[Found]:
        raise socket.gaierror(host, port)

    found = [await Guard(OPEN, each).check("https://example.org/") for each in (silent, unknown)]

    assert [url.raw_host for url in found] == ["example.org"] * 2
