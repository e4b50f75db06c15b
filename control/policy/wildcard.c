// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/wildcard.h"

#include "lib/policy/domain.h"

#include <errno.h>

struct writer {
	char *at;
	size_t n, room;
};

static void put(struct writer *w, const char *text)
{
	for (; *text != '\0'; text++) {
		if (w->n < w->room)
			w->at[w->n] = *text;
		w->n++;
	}
}

static bool is_ascii(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.at[i] >= 0x80)
			return false;
	}
	return true;
}

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool has_wildcard(struct view v)
{
	return memchr(v.at, '*', v.len) != NULL || memchr(v.at, '?', v.len) != NULL;
}

// A label of ASCII, stars and question marks. A run of stars is one.
static const char *put_plain_label(struct writer *w, struct view label)
{
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = ascii_lower(label.at[i]);

		if (c == '*') {
			if (i + 1 == label.len || label.at[i + 1] != '*')
				put(w, ".*");
		} else if (c == '?') {
			put(w, ".");
		} else if (is_name_byte(c)) {
			put(w, (const char[]){(char)c, '\0'});
		} else {
			return "a character that no domain name has";
		}
	}
	return NULL;
}

// A label that has other than ASCII, without stars and question marks. It gets another label
// behind it, since a name may not end in a number but a label may be one.
static const char *put_international_label(struct writer *w, struct view label)
{
	uint8_t spelled[DOMAIN_SPELLING_BYTES_MAX];
	struct domain canonical;

	if (has_wildcard(label))
		return "a wildcard within a label that is not ASCII: write the label's xn-- form";
	if (label.len + 2 > sizeof(spelled))
		return "a label is too long";
	memcpy(spelled, label.at, label.len);
	memcpy(spelled + label.len, ".a", 2);
	if (domain_canonical(view_of(spelled, label.len + 2), &canonical) != 0)
		return "a label is not a valid internationalised one";
	for (unsigned i = 0; i + 2 < canonical.len; i++)
		put(w,
			canonical.text[i] == '.' ? "\\."
						 : (const char[]){(char)canonical.text[i], '\0'});
	return NULL;
}

static const char *put_labels(struct writer *w, struct view rest)
{
	for (;;) {
		const uint8_t *dot = memchr(rest.at, '.', rest.len);
		struct view label = {rest.at, dot != NULL ? (size_t)(dot - rest.at) : rest.len};
		const char *error;

		if (label.len == 0)
			return "an empty label";
		error = is_ascii(label) ? put_plain_label(w, label)
					: put_international_label(w, label);
		if (error != NULL || dot == NULL)
			return error;
		put(w, "\\.");
		rest = view_of(dot + 1, rest.len - label.len - 1);
	}
}

int wildcard_to_regex(struct view wildcard, char *regex, size_t room, const char **error)
{
	static const char any[] = ".*";
	struct writer w = {regex, 0, room};
	bool open_start, open_end;
	size_t skip = 0;

	if (wildcard.len > 0 && wildcard.at[wildcard.len - 1] == '.')
		wildcard.len--;
	if (wildcard.len == 0) {
		*error = "empty";
		return -EINVAL;
	}
	open_start = wildcard.at[0] == '*';
	open_end = wildcard.at[wildcard.len - 1] == '*';
	if (!open_start)
		put(&w, "^");
	*error = put_labels(&w, wildcard);
	if (!open_end)
		put(&w, "\\z");
	if (*error == NULL && w.n >= room)
		*error = "too long";
	if (*error != NULL)
		return -EINVAL;
	if (open_end)
		w.n -= strlen(any);
	if (open_start && w.n > 0)
		skip = strlen(any);
	w.n -= skip;
	memmove(regex, regex + skip, w.n);
	// Nothing is left of a lone star, and an empty expression is no expression.
	if (w.n == 0)
		regex[w.n++] = '.';
	regex[w.n] = '\0';
	return (int)w.n;
}
