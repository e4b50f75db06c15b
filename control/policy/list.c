// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/list.h"

#include "lib/base/addr.h"

// What hosts files say about the machine that they were made for.
static const char *const machine_names[] = {
	"0.0.0.0",
	"broadcasthost",
	"ip6-allhosts",
	"ip6-allnodes",
	"ip6-allrouters",
	"ip6-localhost",
	"ip6-localnet",
	"ip6-loopback",
	"ip6-mcastprefix",
	"local",
	"localhost",
	"localhost.localdomain",
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct view trim(struct view v)
{
	while (v.len > 0 && is_blank(v.at[0]))
		v = view_of(v.at + 1, v.len - 1);
	while (v.len > 0 && is_blank(v.at[v.len - 1]))
		v.len--;
	return v;
}

static struct view take_line(struct list_reader *r)
{
	const uint8_t *end = memchr(r->rest.at, '\n', r->rest.len);
	size_t len = end != NULL ? (size_t)(end - r->rest.at) : r->rest.len;
	struct view line = view_of(r->rest.at, len);

	len += end != NULL;
	r->rest = view_of(r->rest.at + len, r->rest.len - len);
	r->line++;
	return line;
}

static struct view take_token(struct list_reader *r)
{
	struct view v = trim(r->tokens), token;
	size_t len = 0;

	while (len < v.len && !is_blank(v.at[len]))
		len++;
	token = view_of(v.at, len);
	r->tokens = view_of(v.at + len, v.len - len);
	return token;
}

static bool is_machine_name(struct view name)
{
	for (size_t i = 0; i < sizeof(machine_names) / sizeof(machine_names[0]); i++) {
		if (view_equal_nocase(name, view_string(machine_names[i])))
			return true;
	}
	return false;
}

// An address, with a zone or without.
static bool is_address(struct view token, struct ip_addr *ip)
{
	const uint8_t *zone = memchr(token.at, '%', token.len);

	// Only these begin one, which spares a million names the attempt.
	if (token.at[0] != ':' && !(token.at[0] >= '0' && token.at[0] <= '9') &&
		memchr(token.at, ':', token.len) == NULL)
		return false;
	if (zone != NULL)
		token.len = (size_t)(zone - token.at);
	return ip_parse(token, ip) == 0;
}

static bool leads_nowhere(const struct ip_addr *ip)
{
	static const struct ip_addr v4_any = {.family = IP_V4};
	static const struct ip_addr v6_any = {.family = IP_V6};
	static const struct ip_addr v6_loopback = {.bytes = {[15] = 1}, .family = IP_V6};

	return (ip->family == IP_V4 && ip->bytes[0] == 127) || ip_equal(ip, &v4_any) ||
		ip_equal(ip, &v6_any) || ip_equal(ip, &v6_loopback);
}

static enum list_item bad(struct list_reader *r, const char *error)
{
	r->error = error;
	r->tokens = VIEW_NONE;
	return LIST_BAD;
}

static struct view cut_comment(struct view line)
{
	const uint8_t *hash = memchr(line.at, '#', line.len);

	return hash != NULL ? view_of(line.at, (size_t)(hash - line.at)) : line;
}

static enum list_item begin_line(struct list_reader *r, struct view *entry)
{
	struct view line = trim(take_line(r)), first;
	struct ip_addr ip;

	r->hosts = false;
	if (line.len == 0)
		return LIST_END;
	if (line.len > LIST_LINE_BYTES_MAX)
		return bad(r, "line too long; one name a line is expected");
	if (line.len >= 3 && memcmp(line.at, "re:", 3) == 0) {
		*entry = view_of(line.at + 3, line.len - 3);
		return LIST_REGEX;
	}
	line = trim(cut_comment(line));
	r->tokens = line;
	if (line.len == 0)
		return LIST_END;
	first = take_token(r);
	if (is_address(first, &ip)) {
		r->hosts = true;
		r->nowhere = leads_nowhere(&ip);
		if (r->tokens.len == 0)
			return bad(r, "an address without a name; names of domains are expected");
	} else if (trim(r->tokens).len != 0) {
		// What was meant as a comment must not become names of top-level domains.
		return bad(r,
			"more than a name; one name a line, an address before names, or # "
			"before a comment is expected");
	} else {
		r->tokens = line;
	}
	return LIST_END;
}

void list_open(struct list_reader *r, struct view text)
{
	static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};

	memset(r, 0, sizeof(*r));
	if (text.len >= sizeof(mark) && memcmp(text.at, mark, sizeof(mark)) == 0)
		text = view_of(text.at + sizeof(mark), text.len - sizeof(mark));
	r->rest = text;
}

enum list_item list_next(struct list_reader *r, struct view *entry)
{
	enum list_item item;

	*entry = VIEW_NONE;
	for (;;) {
		while (r->tokens.len == 0) {
			if (r->rest.len == 0)
				return LIST_END;
			item = begin_line(r, entry);
			if (item != LIST_END)
				return item;
		}
		*entry = take_token(r);
		if (r->hosts && is_machine_name(*entry))
			continue;
		if (r->hosts && !r->nowhere)
			return bad(r,
				"a hosts line that leads somewhere; 0.0.0.0, 127.0.0.1, :: "
				"or ::1 is expected before the names");
		if (memchr(entry->at, '*', entry->len) != NULL ||
			memchr(entry->at, '?', entry->len) != NULL)
			return LIST_WILDCARD;
		return LIST_NAME;
	}
}
