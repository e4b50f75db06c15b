// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/domain.h"

#include <errno.h>

// What a byte becomes: letters lowered, digits, hyphen, underscore and dot kept, 0 for all others.
static const uint8_t canonical_byte[256] = {
	['-'] = '-',
	['.'] = '.',
	['_'] = '_',
	['0'] = '0',
	'1',
	'2',
	'3',
	'4',
	'5',
	'6',
	'7',
	'8',
	'9',
	['A'] = 'a',
	'b',
	'c',
	'd',
	'e',
	'f',
	'g',
	'h',
	'i',
	'j',
	'k',
	'l',
	'm',
	'n',
	'o',
	'p',
	'q',
	'r',
	's',
	't',
	'u',
	'v',
	'w',
	'x',
	'y',
	'z',
	['a'] = 'a',
	'b',
	'c',
	'd',
	'e',
	'f',
	'g',
	'h',
	'i',
	'j',
	'k',
	'l',
	'm',
	'n',
	'o',
	'p',
	'q',
	'r',
	's',
	't',
	'u',
	'v',
	'w',
	'x',
	'y',
	'z',
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

// No top-level domain is a number; an IPv4 literal always ends in one.
static bool ends_in_number(const uint8_t *text, size_t len)
{
	while (len > 0 && is_digit(text[len - 1]))
		len--;
	return len == 0 || text[len - 1] == '.';
}

static bool labels_fit(const uint8_t *text, size_t len)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (i == start || i - start > DOMAIN_LABEL_BYTES_MAX)
			return false;
		start = i + 1;
	}
	return true;
}

bool domain_is_canonical(const uint8_t *text, size_t len)
{
	if (len == 0 || len > DOMAIN_BYTES_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (canonical_byte[text[i]] != text[i] || text[i] == 0)
			return false;
	}
	return labels_fit(text, len) && !ends_in_number(text, len);
}

int domain_canonical(struct view name, struct domain *out)
{
	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > DOMAIN_BYTES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < name.len; i++) {
		out->text[i] = canonical_byte[name.at[i]];
		if (out->text[i] == 0)
			return -EINVAL;
	}
	out->len = (uint8_t)name.len;
	memset(out->text + out->len, 0, DOMAIN_PADDING);
	return labels_fit(out->text, out->len) && !ends_in_number(out->text, out->len) ? 0
										       : -EINVAL;
}
