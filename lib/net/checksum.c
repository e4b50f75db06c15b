// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/checksum.h"

#include "lib/base/wire.h"

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

// End-around carry: in ones' complement, 2^64 is 1.
static uint64_t add_carry(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t n_bytes)
{
	const uint8_t *p = bytes;
	uint64_t a = sum, b = 0, c = 0, d = 0, last = 0;

	// Four chains, since each addition waits for the carry of the one before.
	for (; n_bytes >= 32; p += 32, n_bytes -= 32) {
		a = add_carry(a, load64(p));
		b = add_carry(b, load64(p + 8));
		c = add_carry(c, load64(p + 16));
		d = add_carry(d, load64(p + 24));
	}
	a = add_carry(add_carry(a, b), add_carry(c, d));
	for (; n_bytes >= 8; p += 8, n_bytes -= 8)
		a = add_carry(a, load64(p));
	if (n_bytes > 0) {
		memcpy(&last, p, n_bytes);
		a = add_carry(a, last);
	}
	return a;
}

uint64_t checksum_add_pseudo(uint64_t sum, const struct ip_addr *source,
	const struct ip_addr *destination, uint8_t protocol, uint32_t n_bytes)
{
	uint8_t tail[8] = {0};

	// An IPv4 address has twelve bytes of zero after it, which add nothing, and IPv4's shorter
	// tail has the same sum, since its length fits sixteen bits.
	sum = checksum_add(sum, source->bytes, sizeof(source->bytes));
	sum = checksum_add(sum, destination->bytes, sizeof(destination->bytes));
	wire_put32(tail, n_bytes);
	tail[7] = protocol;
	return add_carry(sum, load64(tail));
}

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16 & 0xffff) + (sum & 0xffff) + (sum >> 32);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)((sum >> 16) + sum);
}

uint16_t checksum_end(uint64_t sum)
{
	return (uint16_t)~checksum_fold(sum);
}

uint16_t checksum_replace(uint16_t checksum, uint16_t was, uint16_t is)
{
	return checksum_end((uint64_t)(uint16_t)~checksum + (uint16_t)~was + is);
}
