// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/idna.h"

#include "lib/policy/punycode.h"
#include "lib/policy/unicode.h"

#include <errno.h>

static const char prefix[] = "xn--";
#define PREFIX_BYTES (sizeof(prefix) - 1)

static bool is_ascii(const uint32_t label[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (label[i] >= 0x80)
			return false;
	}
	return true;
}

static bool has_prefix(const uint32_t label[], size_t n)
{
	for (size_t i = 0; i < PREFIX_BYTES; i++) {
		if (i == n || label[i] != (uint8_t)prefix[i])
			return false;
	}
	return true;
}

// The bytes written, or -EINVAL.
static int put_label(const uint32_t label[], size_t n, uint8_t *out, size_t room)
{
	int len;

	if (n > DOMAIN_LABEL_BYTES_MAX || n > room)
		return -EINVAL;
	if (is_ascii(label, n)) {
		for (size_t i = 0; i < n; i++)
			out[i] = (uint8_t)label[i];
		return (int)n;
	}
	// UTS #46 §4.1: a label that claims to be encoded is, and none begins with a mark.
	if (has_prefix(label, n) || unicode_is_mark(label[0]) || room < PREFIX_BYTES)
		return -EINVAL;
	memcpy(out, prefix, PREFIX_BYTES);
	len = punycode_encode(label, n, out + PREFIX_BYTES, room - PREFIX_BYTES);
	return len < 0 ? len : len + (int)PREFIX_BYTES;
}

int idna_to_ascii(struct view name, uint8_t out[DOMAIN_BYTES_MAX + 1])
{
	struct unicode_text text;
	size_t start = 0, n = 0;

	if (name.len > DOMAIN_SPELLING_BYTES_MAX || unicode_map(name, &text) != 0)
		return -EINVAL;
	for (size_t i = 0; i <= text.n; i++) {
		int len;

		if (i < text.n && text.points[i] != '.')
			continue;
		len = put_label(text.points + start, i - start, out + n, DOMAIN_BYTES_MAX + 1 - n);
		if (len < 0)
			return len;
		n += (size_t)len;
		if (i == text.n)
			break;
		if (n > DOMAIN_BYTES_MAX)
			return -EINVAL;
		out[n++] = '.';
		start = i + 1;
	}
	return (int)n;
}
