// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/addr.h"

#include <emmintrin.h>
#include <errno.h>
#include <stdio.h>

const char *transport_name(enum transport t)
{
	static const char *const names[] = {
		[TRANSPORT_NONE] = "?",
		[TRANSPORT_UDP] = "udp",
		[TRANSPORT_TCP] = "tcp",
		[TRANSPORT_TLS] = "tls",
	};

	return (unsigned)t <= TRANSPORT_TLS ? names[t] : "?";
}

bool ip_is_valid(const struct ip_addr *ip)
{
	static const uint8_t zero[sizeof(ip->bytes)];

	if (memcmp(ip->zero, zero, sizeof(ip->zero)) != 0)
		return false;
	if (ip->family == IP_V4)
		return memcmp(ip->bytes + 4, zero, sizeof(ip->bytes) - 4) == 0;
	return ip->family == IP_V6;
}

bool endpoint_is_valid(const struct endpoint *e)
{
	return ip_is_valid(&e->ip) && e->port != 0 && e->zero == 0 &&
		e->transport >= TRANSPORT_UDP && e->transport <= TRANSPORT_TLS;
}

bool endpoint_is_hop(const struct endpoint *e)
{
	static const uint8_t zero[sizeof(e->ip.zero)];

	if (e->ip.family != IP_NAMED)
		return endpoint_is_valid(e);
	return memcmp(e->ip.zero, zero, sizeof(zero)) == 0 && e->zero == 0 &&
		transport_is_stream(e->transport);
}

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->transport == b->transport && ip_equal(&a->ip, &b->ip);
}

bool ip_prefix_covers(const struct ip_prefix *prefix, const struct ip_addr *ip)
{
	unsigned whole = prefix->bits / 8;
	unsigned rest = prefix->bits % 8;

	if (prefix->ip.family != ip->family || memcmp(prefix->ip.bytes, ip->bytes, whole) != 0)
		return false;
	return rest == 0 || (prefix->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

// Four numbers up to 255 without leading zeros.
static bool parse_v4(const uint8_t *at, const uint8_t *end, uint8_t out[4])
{
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *from = i > 0 ? at + 1 : at;
		unsigned value = 0;

		if (i > 0 && (at == end || *at != '.'))
			return false;
		for (at = from; at < end && at < from + 3 && (uint8_t)(*at - '0') <= 9; at++)
			value = value * 10 + (unsigned)(*at - '0');
		if (at == from || value > 255 || (*from == '0' && at > from + 1))
			return false;
		out[i] = (uint8_t)value;
	}
	return at == end;
}

// 16 or more for what is no hexadecimal digit.
static unsigned hex_value(uint8_t c)
{
	if ((uint8_t)(c - '0') <= 9)
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

// RFC 4291 §2.2; "::" stands for one group at least.
static bool parse_v6(const uint8_t *at, const uint8_t *end, uint8_t out[16])
{
	size_t n = 0, gap = SIZE_MAX;

	if (end - at >= 2 && at[0] == ':' && at[1] == ':') {
		at += 2;
		gap = 0;
	}
	while (at < end && n < 16) {
		const uint8_t *from = at;
		unsigned value = 0;

		for (; at < end && at < from + 4 && hex_value(*at) < 16; at++)
			value = value << 4 | hex_value(*at);
		if (at < end && *at == '.' && n <= 12 && parse_v4(from, end, out + n)) {
			n += 4;
			at = end;
			break;
		}
		if (at == from)
			return false;
		out[n++] = (uint8_t)(value >> 8);
		out[n++] = (uint8_t)value;
		if (at == end)
			break;
		if (*at++ != ':' || at == end)
			return false;
		if (*at == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			at++;
		}
	}
	if (at != end || (n == 16) != (gap == SIZE_MAX))
		return false;
	if (gap != SIZE_MAX) {
		memmove(out + gap + 16 - n, out + gap, n - gap);
		memset(out + gap, 0, 16 - n);
	}
	return true;
}

// Not inet_pton(), which wants a copy with a NUL and takes ten times as long.
int ip_parse(struct view text, struct ip_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (text.len == 0 || text.len >= IP_TEXT_BYTES)
		return -EINVAL;
	if (parse_v4(text.at, text.at + text.len, out->bytes)) {
		out->family = IP_V4;
		return 0;
	}
	if (parse_v6(text.at, text.at + text.len, out->bytes)) {
		out->family = IP_V6;
		return 0;
	}
	memset(out, 0, sizeof(*out));
	return -EINVAL;
}

// Decimal digits only, at most five of them; false where the text is anything else or over max.
static bool parse_number(struct view text, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		value = value * 10 + (text.at[i] - '0');
	}
	*out = value;
	return value <= max;
}

int ip_prefix_parse(struct view text, struct ip_prefix *out)
{
	const uint8_t *slash = text.len > 0 ? memchr(text.at, '/', text.len) : NULL;
	struct view address = slash ? view_of(text.at, (size_t)(slash - text.at)) : text;
	unsigned bits, max;

	memset(out, 0, sizeof(*out));
	if (ip_parse(address, &out->ip) < 0)
		return -EINVAL;
	max = out->ip.family == IP_V4 ? 32 : 128;
	bits = max;
	if (slash != NULL &&
		!parse_number(view_of(slash + 1, text.len - address.len - 1), max, &bits))
		return -EINVAL;
	for (unsigned i = bits; i < max; i++) {
		if (out->ip.bytes[i / 8] & 0x80 >> i % 8)
			return -EINVAL;
	}
	out->bits = (uint8_t)bits;
	return 0;
}

int endpoint_parse(
	struct view text, uint16_t default_port, enum transport transport, struct endpoint *out)
{
	struct view address = text, port = VIEW_NONE;
	const uint8_t *end;
	unsigned number = default_port;

	memset(out, 0, sizeof(*out));
	if (text.len > 0 && text.at[0] == '[') {
		end = memchr(text.at, ']', text.len);
		if (end == NULL)
			return -EINVAL;
		address = view_of(text.at + 1, (size_t)(end - text.at - 1));
		port = view_of(end + 1, text.len - address.len - 2);
		if (memchr(address.at, ':', address.len) == NULL)
			return -EINVAL;
	} else if (text.len > 0) {
		end = memchr(text.at, ':', text.len);
		// More than one colon and no brackets: a bare IPv6 address.
		if (end != NULL && end == memrchr(text.at, ':', text.len)) {
			address = view_of(text.at, (size_t)(end - text.at));
			port = view_of(end, text.len - address.len);
		}
	}
	if (port.len > 0 &&
		(port.at[0] != ':' ||
			!parse_number(view_of(port.at + 1, port.len - 1), UINT16_MAX, &number)))
		return -EINVAL;
	if (ip_parse(address, &out->ip) < 0)
		return -EINVAL;
	out->port = (uint16_t)number;
	out->transport = (uint8_t)transport;
	return 0;
}

static char *put_decimal(char *at, unsigned value)
{
	if (value >= 100)
		*at++ = (char)('0' + value / 100);
	if (value >= 10)
		*at++ = (char)('0' + value / 10 % 10);
	*at++ = (char)('0' + value % 10);
	return at;
}

static char *put_v4(char *at, const uint8_t bytes[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			*at++ = '.';
		at = put_decimal(at, bytes[i]);
	}
	return at;
}

static char *put_group(char *at, unsigned group)
{
	static const char digits[] = "0123456789abcdef";

	if (group >= 0x1000)
		*at++ = digits[group >> 12];
	if (group >= 0x100)
		*at++ = digits[group >> 8 & 15];
	if (group >= 0x10)
		*at++ = digits[group >> 4 & 15];
	*at++ = digits[group & 15];
	return at;
}

// The longest run of two or more zero groups, the first of equals (RFC 5952 §4.2). Its length; 0
// for none.
static unsigned find_zeros(const uint8_t bytes[16], unsigned *first)
{
	__m128i groups = _mm_loadu_si128((const __m128i *)bytes);
	__m128i is_zero = _mm_cmpeq_epi16(groups, _mm_setzero_si128());
	// One bit a group that is zero; then one bit a group where a run of that length begins.
	unsigned runs = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(is_zero, is_zero)) & 0xff;
	unsigned length = 1;

	for (; (runs & runs >> 1) != 0; length++)
		runs &= runs >> 1;
	*first = (unsigned)__builtin_ctz(runs | 1U << 8);
	return length > 1 ? length : 0;
}

static char *put_v6(char *at, const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const char prefix[7] = {':', ':', 'f', 'f', 'f', 'f', ':'};
	unsigned first, n_zeros;

	// RFC 5952 §5
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		memcpy(at, prefix, sizeof(prefix));
		return put_v4(at + sizeof(prefix), bytes + 12);
	}
	n_zeros = find_zeros(bytes, &first);
	for (unsigned i = 0; i < 8; i++) {
		if (i == first && n_zeros > 0) {
			*at++ = ':';
			i += n_zeros - 1;
			if (i == 7)
				*at++ = ':';
			continue;
		}
		if (i > 0)
			*at++ = ':';
		at = put_group(at, (unsigned)(bytes[2 * i] << 8 | bytes[2 * i + 1]));
	}
	return at;
}

static char *put_key(char *at, const uint8_t bytes[16])
{
	static const char digits[] = "0123456789abcdef", prefix[5] = {'n', 'a', 'm', 'e', '-'};

	memcpy(at, prefix, sizeof(prefix));
	at += sizeof(prefix);
	for (unsigned i = 0; i < 8; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	return at;
}

// Not inet_ntop(), which goes through printf: every relayed request compares its Via with the text
// of its source.
size_t ip_format(const struct ip_addr *ip, char text[IP_TEXT_BYTES])
{
	char *end = text;

	if (ip->family == IP_V4)
		end = put_v4(text, ip->bytes);
	else if (ip->family == IP_V6)
		end = put_v6(text, ip->bytes);
	else if (ip->family == IP_NAMED)
		end = put_key(text, ip->bytes);
	else
		*end++ = '-';
	*end = '\0';
	return (size_t)(end - text);
}

size_t endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT_BYTES])
{
	char ip[IP_TEXT_BYTES];

	ip_format(&e->ip, ip);
	return (size_t)snprintf(text, ENDPOINT_TEXT_BYTES,
		e->ip.family == IP_V6 ? "[%s]:%u" : "%s:%u", ip, e->port);
}
