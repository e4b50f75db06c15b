// SPDX-License-Identifier: BSD-3-Clause
// Valid messages of every form read alike by libosip2 and by us. They are put together at random
// from parts that both grammars agree on; the seed of a failing one is printed.

#include <osipparser2/osip_parser.h>

#include "lib/sip/value.h"
#include "tests/unit/test.h"

#define N_MESSAGES 4000

static uint64_t seed, random_state;

static unsigned pick(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 11) % n;
}

struct text {
	char bytes[4096];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t->len += (size_t)vsnprintf(t->bytes + t->len, sizeof(t->bytes) - t->len, format, args);
	va_end(args);
	assert_true(t->len < sizeof(t->bytes));
}

static void put_word(struct text *t)
{
	unsigned n = 1 + pick(pick(8) == 0 ? 90 : 12);

	for (unsigned i = 0; i < n; i++)
		put(t, "%c", "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789"[pick(42)]);
}

// None so short that "<sip:h>" could come out: libosip2 passes over list values of under eight
// bytes.
static void put_host(struct text *t)
{
	static const char *const hosts[] = {"192.0.2.1", "example.com", "a-b.example.net", "host"};

	if (pick(2) == 0) {
		put(t, "%s", hosts[pick(4)]);
		return;
	}
	put_word(t);
	put(t, ".example.org");
}

static void put_uri(struct text *t, bool enclosed)
{
	put(t, "sip:");
	if (pick(3) != 0) {
		put_word(t);
		put(t, pick(6) == 0 ? "%%41@" : "@");
	}
	put_host(t);
	if (pick(3) == 0)
		put(t, ":%u", 1 + pick(65535));
	if (enclosed && pick(3) == 0)
		put(t, ";transport=%s", pick(2) ? "tcp" : "udp");
	if (enclosed && pick(4) == 0)
		put(t, ";lr");
}

static void put_address(struct text *t, bool tag)
{
	static const char *const names[] = {
		"\"A, B; C\" ", "Alice ", "\"q \\\" \\\\\" ", "Two words ", ""};
	bool enclosed = pick(4) != 0;

	if (enclosed)
		put(t, "%s<", names[pick(5)]);
	put_uri(t, enclosed);
	if (enclosed)
		put(t, ">");
	if (tag) {
		put(t, ";tag=");
		put_word(t);
	}
}

static void put_name(struct text *t, const char *name, const char *compact)
{
	if (compact != NULL && pick(3) == 0)
		name = compact;
	for (; *name != '\0'; name++)
		put(t, "%c", pick(6) == 0 ? (char)(*name ^ (*name >= 'A' ? 0x20 : 0)) : *name);
	put(t, "%s:%s", pick(8) == 0 ? " " : "", pick(8) == 0 ? "\r\n " : " ");
}

static void put_via(struct text *t)
{
	put(t, "SIP/2.0/%s ", pick(2) ? "UDP" : "TCP");
	put_host(t);
	if (pick(2) == 0)
		put(t, ":%u", 1 + pick(65535));
	put(t, ";branch=z9hG4bK");
	put_word(t);
	if (pick(3) == 0)
		put(t, ";received=192.0.2.7");
}

static void put_list(
	struct text *t, const char *name, const char *compact, void (*put_value)(struct text *t))
{
	for (unsigned fields = pick(3); fields > 0; fields--) {
		put_name(t, name, compact);
		put_value(t);
		for (unsigned more = pick(3); more > 0; more--) {
			put(t, pick(4) == 0 ? ",\r\n " : ", ");
			put_value(t);
		}
		put(t, "\r\n");
	}
}

static void put_route(struct text *t)
{
	put(t, "<");
	put_uri(t, true);
	put(t, ">");
}

static void put_message(struct text *t)
{
	static const char *const methods[] = {"INVITE", "MESSAGE", "OPTIONS", "BYE", "X-NEW"};
	const char *method = methods[pick(5)];

	t->len = 0;
	put(t, "%s ", method);
	put_uri(t, true);
	put(t, " SIP/2.0\r\n");
	put_name(t, "Via", "v");
	put_via(t);
	put(t, "\r\n");
	put_list(t, "Via", "v", put_via);
	put_list(t, "Route", NULL, put_route);
	put_list(t, "Record-Route", NULL, put_route);
	put_name(t, "From", "f");
	put_address(t, true);
	put(t, "\r\n");
	put_name(t, "To", "t");
	put_address(t, pick(2));
	put(t, "\r\n");
	put_name(t, "Call-ID", "i");
	put_word(t);
	put(t, "@");
	put_host(t);
	put(t, "\r\nCSeq: %u %s\r\nMax-Forwards: %u\r\n", pick(1 << 30), method, pick(256));
	put_list(t, "Contact", "m", put_route);
	put_name(t, "Content-Length", "l");
	put(t, "0\r\n\r\n");
}

static void assert_text(struct view ours, const char *theirs)
{
	if (!view_equal(ours, view_string(theirs != NULL ? theirs : "")))
		fail_msg("\"%.*s\" to us, \"%s\" to libosip2", (int)ours.len, (const char *)ours.at,
			theirs);
}

static unsigned number(const char *s)
{
	return s != NULL ? (unsigned)strtoul(s, NULL, 10) : 0;
}

static void compare_uri(const struct sip_uri *ours, const osip_uri_t *theirs)
{
	osip_uri_param_t *param = NULL;

	assert_text(ours->host, theirs->host);
	assert_int_equal(ours->port, number(theirs->port));
	// libosip2 takes escapes away.
	if (ours->user.len == 0 || memchr(ours->user.at, '%', ours->user.len) == NULL)
		assert_text(ours->user, theirs->username);
	osip_uri_uparam_get_byname((osip_uri_t *)(uintptr_t)theirs, (char[]){"lr"}, &param);
	assert_int_equal(ours->has_lr, param != NULL);
}

static void compare_address(const struct sip_address *ours, osip_from_t *theirs)
{
	osip_generic_param_t *tag = NULL;

	compare_uri(&ours->uri, theirs->url);
	assert_text(ours->display, theirs->displayname);
	osip_from_get_tag(theirs, &tag);
	assert_text(ours->tag, tag != NULL ? tag->gvalue : NULL);
}

static void compare_addresses(
	const struct sip_message *m, enum sip_header_id id, const osip_list_t *theirs)
{
	struct sip_values it = sip_values_of(m, id);
	struct sip_address address;
	struct sip_value value;

	for (int i = 0; !osip_list_eol(theirs, i); i++) {
		assert_int_equal(sip_values_next(&it, &value), 1);
		assert_int_equal(sip_address_parse(sip_view(m, value.span), &address), 0);
		compare_address(&address, osip_list_get(theirs, i));
	}
	assert_int_equal(sip_values_next(&it, &value), 0);
}

static void compare_vias(const struct sip_message *m, const osip_list_t *theirs)
{
	struct sip_values it = sip_values_of(m, SIP_H_VIA);
	struct sip_value value;
	struct sip_via via;

	for (int i = 0; !osip_list_eol(theirs, i); i++) {
		osip_via_t *their = osip_list_get(theirs, i);
		osip_generic_param_t *branch = NULL, *received = NULL;

		assert_int_equal(sip_values_next(&it, &value), 1);
		assert_int_equal(sip_via_parse(sip_view(m, value.span), &via), 0);
		osip_via_param_get_byname(their, (char[]){"branch"}, &branch);
		osip_via_param_get_byname(their, (char[]){"received"}, &received);
		assert_text(via.host, their->host);
		assert_int_equal(via.port, number(their->port));
		assert_text(via.transport_text, their->protocol);
		assert_text(via.branch, branch != NULL ? branch->gvalue : NULL);
		assert_text(via.received, received != NULL ? received->gvalue : NULL);
	}
	assert_int_equal(sip_values_next(&it, &value), 0);
}

static void compare_message(const struct sip_message *m, const osip_message_t *theirs)
{
	struct sip_address from, to;
	struct sip_cseq cseq;
	struct sip_uri uri;
	osip_header_t *hops;
	struct view id;
	unsigned n;

	assert_text(sip_view(m, m->method_text), theirs->sip_method);
	assert_int_equal(sip_uri_parse(sip_view(m, m->request_uri), &uri), 0);
	compare_uri(&uri, theirs->req_uri);
	assert_int_equal(sip_from(m, &from), 0);
	compare_address(&from, theirs->from);
	assert_int_equal(sip_to(m, &to), 0);
	compare_address(&to, theirs->to);
	compare_vias(m, &theirs->vias);
	compare_addresses(m, SIP_H_ROUTE, &theirs->routes);
	compare_addresses(m, SIP_H_RECORD_ROUTE, &theirs->record_routes);
	compare_addresses(m, SIP_H_CONTACT, &theirs->contacts);
	assert_int_equal(sip_call_id(m, &id), 0);
	assert_int_equal(
		id.len, strlen(theirs->call_id->number) + 1 + strlen(theirs->call_id->host));
	assert_int_equal(sip_cseq(m, &cseq), 0);
	assert_int_equal(cseq.number, number(theirs->cseq->number));
	assert_text(cseq.method_text, theirs->cseq->method);
	assert_int_equal(sip_max_forwards(m, &n), 0);
	assert_true(osip_message_header_get_byname(theirs, "max-forwards", 0, &hops) >= 0);
	assert_int_equal(n, number(hops->hvalue));
}

static void valid_messages_read_as_libosip2_reads_them(void **state)
{
	static struct sip_message m;
	static struct text text;
	osip_message_t *theirs;

	(void)state;
	for (seed = 1; seed <= N_MESSAGES; seed++) {
		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		put_message(&text);
		if (sip_message_parse(view_of(text.bytes, text.len), SIP_DATAGRAM, &m) !=
			REASON_none)
			fail_msg("seed %llu: refused:\n%s", (unsigned long long)seed, text.bytes);
		assert_int_equal(osip_message_init(&theirs), 0);
		if (osip_message_parse(theirs, text.bytes, text.len) != 0)
			fail_msg("seed %llu: libosip2 refuses:\n%s", (unsigned long long)seed,
				text.bytes);
		compare_message(&m, theirs);
		osip_message_free(theirs);
	}
}

static int tell_seed(void **state)
{
	(void)state;
	if (seed <= N_MESSAGES)
		print_error("seed %llu\n", (unsigned long long)seed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(valid_messages_read_as_libosip2_reads_them, tell_seed),
	};

	parser_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
