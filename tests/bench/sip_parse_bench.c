// SPDX-License-Identifier: BSD-3-Clause
// sip_parse: a message indexed whole and every field that the relay reads taken as a value and
// summed, next to libosip2 doing the same. Both must come to the same sum of every message.

#include <osipparser2/osip_parser.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/sip/value.h"
#include "tests/bench/bench.h"

// Enough that branch predictors do not learn them by heart, few enough for the second-level cache.
#define N_MESSAGES    256
#define MESSAGE_BYTES 512
#define INVITE_BYTES  1024

struct corpus {
	size_t message_bytes;
	char (*texts)[INVITE_BYTES + 1];
};

static uint64_t sum_uri(const struct sip_uri *u)
{
	return u->user.len + u->host.len + u->port + u->scheme_text.len;
}

static uint64_t sum_address(const struct sip_address *a)
{
	return a->display.len + a->tag.len + sum_uri(&a->uri);
}

static uint64_t sum_vias(const struct sip_message *m)
{
	struct sip_values it = sip_values_of(m, SIP_H_VIA);
	struct sip_value value;
	struct sip_via via;
	uint64_t sum = 0;
	int more;

	while ((more = sip_vias_next(&it, &via, &value)) > 0)
		sum += via.host.len + via.port + via.branch.len + via.transport_text.len;
	if (more < 0)
		abort();
	return sum;
}

static uint64_t sum_addresses(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values it = sip_values_of(m, id);
	struct sip_address address;
	struct sip_value value;
	uint64_t sum = 0;
	int more;

	while ((more = sip_addresses_next(&it, &address, &value)) > 0)
		sum += sum_address(&address);
	if (more < 0)
		abort();
	return sum;
}

static uint64_t sum_options(const struct sip_message *m)
{
	struct sip_values it = sip_values_of(m, SIP_H_PROXY_REQUIRE);
	struct sip_value value;
	uint64_t sum = 0;

	while (sip_values_next(&it, &value) > 0)
		sum += value.span.len;
	return sum;
}

static uint64_t sum_plain(const struct sip_message *m)
{
	struct view call_id, type, subtype, package;
	struct sip_cseq cseq;
	uint64_t sum = 0;
	unsigned hops;
	uint32_t length;

	if (sip_call_id(m, &call_id) == 0)
		sum += call_id.len;
	if (sip_cseq(m, &cseq) == 0)
		sum += cseq.number + cseq.method_text.len;
	if (sip_max_forwards(m, &hops) == 0)
		sum += hops;
	if (sip_content_length(m, &length) == 0)
		sum += length;
	if (sip_content_type(m, &type, &subtype) == 0)
		sum += type.len + subtype.len;
	if (sip_event(m, &package) == 0)
		sum += package.len;
	return sum;
}

static uint64_t sum_ours(const char *text, size_t len)
{
	struct sip_message m;
	struct sip_address from, to;
	struct sip_uri uri;

	if (sip_message_parse(view_of(text, len), SIP_DATAGRAM, &m) != REASON_none ||
		sip_request_uri(&m, &uri) < 0 || sip_from(&m, &from) < 0 || sip_to(&m, &to) < 0)
		abort();
	return sum_uri(&uri) + sum_address(&from) + sum_address(&to) + sum_vias(&m) +
		sum_addresses(&m, SIP_H_ROUTE) + sum_addresses(&m, SIP_H_RECORD_ROUTE) +
		sum_addresses(&m, SIP_H_CONTACT) + sum_options(&m) + sum_plain(&m);
}

static uint64_t length(const char *s)
{
	return s != NULL ? strlen(s) : 0;
}

static uint64_t number(const char *s)
{
	return s != NULL ? strtoul(s, NULL, 10) : 0;
}

static uint64_t osip_sum_uri(const osip_uri_t *u)
{
	return length(u->username) + length(u->host) + number(u->port) + length(u->scheme);
}

static uint64_t osip_sum_address(osip_from_t *a)
{
	osip_generic_param_t *tag = NULL;

	osip_from_get_tag(a, &tag);
	return length(a->displayname) + osip_sum_uri(a->url) +
		(tag != NULL ? length(tag->gvalue) : 0);
}

static uint64_t osip_sum_list(const osip_list_t *list)
{
	uint64_t sum = 0;

	for (int i = 0; !osip_list_eol(list, i); i++)
		sum += osip_sum_address(osip_list_get(list, i));
	return sum;
}

static uint64_t osip_sum_vias(const osip_message_t *m)
{
	uint64_t sum = 0;

	for (int i = 0; !osip_list_eol(&m->vias, i); i++) {
		osip_via_t *via = osip_list_get(&m->vias, i);
		osip_generic_param_t *branch = NULL;

		osip_via_param_get_byname(via, (char *)(uintptr_t) "branch", &branch);
		sum += length(via->host) + number(via->port) + length(via->protocol) +
			(branch != NULL ? length(branch->gvalue) : 0);
	}
	return sum;
}

static uint64_t osip_sum_named(const osip_message_t *m, const char *name, bool as_number)
{
	osip_header_t *h;
	uint64_t sum = 0;

	for (int at = 0; (at = osip_message_header_get_byname(m, name, at, &h)) >= 0; at++)
		sum += as_number ? number(h->hvalue) : strcspn(h->hvalue, ";");
	return sum;
}

static uint64_t sum_osip(const char *text, size_t len)
{
	osip_message_t *m;
	uint64_t sum;

	if (osip_message_init(&m) != 0 || osip_message_parse(m, text, len) != 0)
		abort();
	sum = osip_sum_uri(m->req_uri) + osip_sum_address(m->from) + osip_sum_address(m->to) +
		osip_sum_vias(m) + osip_sum_list(&m->routes) + osip_sum_list(&m->record_routes) +
		osip_sum_list(&m->contacts) + osip_sum_named(m, "proxy-require", false) +
		osip_sum_named(m, "event", false) + osip_sum_named(m, "max-forwards", true) +
		length(m->call_id->number) + 1 + length(m->call_id->host) +
		number(m->cseq->number) + length(m->cseq->method) +
		number(m->content_length->value) + length(m->content_type->type) +
		length(m->content_type->subtype);
	osip_message_free(m);
	return sum;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

// A word of 4 to 15 letters, kept in one of a few buffers in turn.
static const char *word(uint64_t *random)
{
	static char words[16][16];
	static unsigned turn;
	char *w = words[turn++ % 16];
	size_t len = 4 + next_random(random) % 12;

	for (size_t i = 0; i < len; i++)
		w[i] = (char)('a' + next_random(random) % 26);
	w[len] = '\0';
	return w;
}

static int write_message(char *to, size_t size, uint64_t *random, size_t body)
{
	uint64_t r = next_random(random);

	return snprintf(to, size,
		"MESSAGE sip:%s@%s.example.com SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.%u:5060;branch=z9hG4bK%llx;rport\r\n"
		"Max-Forwards: %u\r\n"
		"Route: <sip:edge.example.com;lr>\r\n"
		"From: \"%s\" <sip:%s@%s.example.net>;tag=%llx\r\n"
		"To: <sip:%s@example.com>\r\n"
		"Call-ID: %llx@%s.example.net\r\n"
		"CSeq: %u MESSAGE\r\n"
		"Content-Type: text/plain;charset=UTF-8\r\n"
		"Content-Length: %zu\r\n"
		"\r\n",
		word(random), word(random), (unsigned)(r % 250 + 1), (unsigned long long)r,
		(unsigned)(r % 70 + 1), word(random), word(random), word(random),
		(unsigned long long)r >> 20, word(random), (unsigned long long)~r, word(random),
		(unsigned)(r % 100000), body);
}

static int write_invite(char *to, size_t size, uint64_t *random, size_t body)
{
	uint64_t r = next_random(random);

	return snprintf(to, size,
		"INVITE sip:%s@%s.example.com;transport=udp SIP/2.0\r\n"
		"Via: SIP/2.0/UDP proxy.%s.example.net:5060;branch=z9hG4bK%llx\r\n"
		"Via: SIP/2.0/TCP 192.0.2.%u:5060;branch=z9hG4bK%llx;received=192.0.2.7\r\n"
		"Max-Forwards: %u\r\n"
		"Route: <sip:edge.example.com;lr>, <sip:192.0.2.9:5060;lr>\r\n"
		"Record-Route: <sip:proxy.%s.example.net;lr>\r\n"
		"From: \"%s\" <sip:%s@%s.example.net>;tag=%llx\r\n"
		"To: <sip:%s@example.com>\r\n"
		"Call-ID: %llx@%s.example.net\r\n"
		"CSeq: %u INVITE\r\n"
		"Contact: <sip:%s@192.0.2.%u:5060;transport=udp>\r\n"
		"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\n"
		"Supported: timer, 100rel\r\n"
		"Content-Type: application/sdp\r\n"
		"Content-Length: %zu\r\n"
		"\r\n",
		word(random), word(random), word(random), (unsigned long long)r,
		(unsigned)(r % 250 + 1), (unsigned long long)~r, (unsigned)(r % 70 + 1),
		word(random), word(random), word(random), word(random), (unsigned long long)r >> 20,
		word(random), (unsigned long long)(r ^ r << 9), word(random),
		(unsigned)(r % 100000), word(random), (unsigned)(r % 250 + 1), body);
}

// Each message has exactly the corpus' size: its body is what the head leaves.
static void fill(struct corpus *c, size_t bytes,
	int (*write)(char *to, size_t size, uint64_t *random, size_t body))
{
	uint64_t random = 0x9e3779b97f4a7c15;

	c->message_bytes = bytes;
	c->texts = malloc(N_MESSAGES * sizeof(*c->texts));
	if (c->texts == NULL)
		abort();
	for (unsigned i = 0; i < N_MESSAGES; i++) {
		char *text = c->texts[i];
		uint64_t again = random;
		// Twice: the first time for the length. All bodies have two or three digits.
		int head = write(text, sizeof(*c->texts), &random, 100);

		head = write(text, sizeof(*c->texts), &again, bytes - (size_t)head);
		if (head < 0 || (size_t)head > bytes)
			abort();
		memset(text + head, 'x', bytes - (size_t)head);
		text[bytes] = '\0';
		if (bytes - (size_t)head < 100)
			memcpy(strstr(text, "Content-Length: ") + 16, "0", 1);
	}
}

// Nanoseconds a message of the whole corpus, so many times.
static double measure(
	const struct corpus *c, uint64_t (*sum)(const char *text, size_t len), unsigned rounds)
{
	uint64_t start = bench_cpu_ns();

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned k = 0; k < N_MESSAGES; k++)
			bench_keep(sum(c->texts[k], c->message_bytes));
	}
	return (double)(bench_cpu_ns() - start) / rounds / N_MESSAGES;
}

// Both parsers by turns of about a millisecond, so that what else goes on meets both alike.
static void run(const struct corpus *c, unsigned turns, struct bench_samples *osip,
	struct bench_samples *ours)
{
	*osip = *ours = (struct bench_samples){0};
	for (unsigned i = 0; i < BENCH_RUNS; i++) {
		double osip_ns = 0, ours_ns = 0;

		for (unsigned turn = 0; turn < turns; turn++) {
			osip_ns += measure(c, sum_osip, 1);
			ours_ns += measure(c, sum_ours, 16);
		}
		bench_add(osip, osip_ns / turns);
		bench_add(ours, ours_ns / turns);
	}
}

static void compare(const char *name, size_t bytes,
	int (*write)(char *to, size_t size, uint64_t *random, size_t body))
{
	struct bench_samples osip, ours;
	struct corpus c;
	char baseline[64];

	fill(&c, bytes, write);
	for (unsigned i = 0; i < N_MESSAGES; i++) {
		if (sum_ours(c.texts[i], bytes) == sum_osip(c.texts[i], bytes))
			continue;
		fprintf(stderr, "sip_parse: sums differ: %llu, libosip2 %llu:\n%s\n",
			(unsigned long long)sum_ours(c.texts[i], bytes),
			(unsigned long long)sum_osip(c.texts[i], bytes), c.texts[i]);
		exit(1);
	}
	snprintf(baseline, sizeof(baseline), "%s, libosip2", name);
	run(&c, bench_quick() ? 2 : 50, &osip, &ours);
	bench_report(baseline, &osip, (double)bytes, "GB/s", NULL, NULL);
	bench_report(name, &ours, (double)bytes, "GB/s", baseline, &osip);
	free(c.texts);
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "sip_parse");
	parser_init();
	compare("512 B MESSAGE", MESSAGE_BYTES, write_message);
	compare("1 KB INVITE", INVITE_BYTES, write_invite);
	return 0;
}
