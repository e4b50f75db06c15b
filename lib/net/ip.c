// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/ip.h"

static const struct ip_addr unspecified;

bool ip_is_unspecified(const struct ip_addr *ip)
{
	return memcmp(ip->bytes, unspecified.bytes, sizeof(ip->bytes)) == 0;
}

bool ip_is_multicast(const struct ip_addr *ip)
{
	return ip->family == IP_V4 ? ip->bytes[0] >> 4 == 0xe : ip->bytes[0] == 0xff;
}

bool ip_is_host(const struct ip_addr *ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t loopback[16] = {[15] = 1};

	if (ip->family == IP_V4)
		return ip->bytes[0] != 0 && ip->bytes[0] != 127 && ip->bytes[0] < 224;
	// All that is refused but ff00::/8 begins with a zero byte.
	if (ip->bytes[0] != 0)
		return ip->bytes[0] != 0xff;
	return !ip_is_unspecified(ip) && memcmp(ip->bytes, loopback, sizeof(loopback)) != 0 &&
		memcmp(ip->bytes, mapped, sizeof(mapped)) != 0;
}

void ip_link_local(const uint8_t mac[6], struct ip_addr *out)
{
	*out = (struct ip_addr){.bytes = {0xfe, 0x80}, .family = IP_V6};
	memcpy(out->bytes + 8, mac, 3);
	out->bytes[8] ^= 2;
	out->bytes[11] = 0xff;
	out->bytes[12] = 0xfe;
	memcpy(out->bytes + 13, mac + 3, 3);
}

void ip_solicited_node(const struct ip_addr *ip, struct ip_addr *out)
{
	*out = (struct ip_addr){.bytes = {0xff, 0x02, [11] = 1, [12] = 0xff}, .family = IP_V6};
	memcpy(out->bytes + 13, ip->bytes + 13, 3);
}

size_t ip_build(uint8_t *at, const struct ip_header *h)
{
	if (h->source.family == IP_V6)
		return ipv6_build(at, h);
	ipv4_build(at, h);
	return IPV4_BYTES;
}
