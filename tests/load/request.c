// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/request.h"

#include "lib/base/text.h"
#include "lib/sip/value.h"

#define USER_FIRST 10000 // so that all have five digits
#define COOKIE     "z9hG4bK"
#define CALL_ID_AT "@fedload"
// Of a domain's number, REQUEST_DOMAINS_MAX - 1 at most.
#define DOMAIN_DIGITS 5

// A kind of request. Its body: prefix, fill, suffix.
struct form {
	const char *method;
	const char *fields; // behind CSeq
	const char *prefix, *suffix;
	bool in_dialog;   // To has a tag
	bool has_contact; // RFC 6665 §8.1
};

static const struct form forms[MIX_KIND_N] = {
	[MIX_IM] = {.method = "MESSAGE",
		.fields = "Content-Type: text/plain\r\n",
		.prefix = "",
		.suffix = ""},
	[MIX_TYPING] = {.method = "INFO",
		.fields = "Content-Type: application/im-iscomposing+xml\r\n",
		.prefix = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			  "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">"
			  "<state>active</state><contenttype>text/plain</contenttype>"
			  "<refresh>60</refresh></isComposing>\n",
		.suffix = "",
		.in_dialog = true},
	[MIX_SUBSCRIBE] = {.method = "SUBSCRIBE",
		.fields = "Event: presence\r\nExpires: 28800\r\nAccept: application/pidf+xml\r\n",
		.prefix = "",
		.suffix = "",
		.has_contact = true},
	[MIX_DOCUMENT] = {.method = "NOTIFY",
		.fields = "Event: presence\r\nSubscription-State: active;expires=28800\r\n"
			  "Content-Type: application/pidf+xml\r\n",
		.prefix = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			  "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
			  "entity=\"pres:user@fedload.example\"><tuple id=\"t1\">"
			  "<status><basic>open</basic></status><note>",
		.suffix = "</note></tuple></presence>\n",
		.in_dialog = true,
		.has_contact = true},
};

void requests_init(struct requests *r, const struct requests_config *config)
{
	static const char words[] = "It was a bright cold day in the middle of spring and all "
				    "of the clocks in town were telling different times again. ";

	r->config = *config;
	r->from_domain = view_string(config->from_domain);
	r->to_domain = view_string(config->to_domain);
	for (size_t i = 0; i < sizeof(r->fill); i++)
		r->fill[i] = (uint8_t)words[i % (sizeof(words) - 1)];
}

// A bijection on 64 bits (the finaliser of MurmurHash3): neighbours in, strangers out.
static uint64_t scatter(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static const uint8_t *fill_of(const struct requests *r, uint64_t id)
{
	return r->fill + scatter(id) % 64;
}

static void add_user(struct text *t, uint32_t user)
{
	text_add(t, VIEW("sip:u"));
	text_add_number(t, USER_FIRST + user);
	text_add(t, VIEW("@"));
}

static void add_uri(struct text *t, uint32_t user, struct view domain)
{
	add_user(t, user);
	text_add(t, domain);
}

void requests_domain_label(uint32_t number, char label[REQUEST_LABEL_BYTES])
{
	memcpy(label, "d00000.", REQUEST_LABEL_BYTES);
	for (unsigned digits = DOMAIN_DIGITS; digits > 0; digits--, number /= 10)
		label[digits] = (char)('0' + number % 10);
}

// A conversation's sender; chance is its.
static void add_sender(struct text *t, const struct requests *r, uint64_t chance, uint32_t domain)
{
	char label[REQUEST_LABEL_BYTES];

	add_user(t, (uint32_t)chance % r->config.n_users);
	if (r->config.n_domains > 1) {
		if (domain == REQUEST_ANY_DOMAIN)
			domain = (uint32_t)(scatter(chance) % r->config.n_domains);
		requests_domain_label(domain, label);
		text_add(t, view_string(label));
	}
	text_add(t, r->from_domain);
}

struct via {
	const char *start, *contact;
};

// By what way, as Via and Contact say it.
static const struct via vias_of[] = {
	[TRANSPORT_NONE] = {" SIP/2.0\r\nVia: SIP/2.0/UDP ", ">\r\n"},
	[TRANSPORT_UDP] = {" SIP/2.0\r\nVia: SIP/2.0/UDP ", ">\r\n"},
	[TRANSPORT_TCP] = {" SIP/2.0\r\nVia: SIP/2.0/TCP ", ";transport=tcp>\r\n"},
	[TRANSPORT_TLS] = {" SIP/2.0\r\nVia: SIP/2.0/TLS ", ";transport=tls>\r\n"},
};

// Everything up to the number of Content-Length; *mark is where the Call-ID says the body's.
static void add_head(struct text *t, const struct requests *r, const struct mix_request *what,
	uint64_t id, const struct request_sender *sender, uint8_t **mark)
{
	const struct form *form = &forms[what->kind];
	const struct via *via = &vias_of[r->config.transport];
	uint64_t chance = scatter(what->conversation);
	uint32_t to = (uint32_t)(chance >> 32) % r->config.n_users;

	text_add(t, view_string(form->method));
	text_add(t, VIEW(" "));
	add_uri(t, to, r->to_domain);
	text_add(t, view_string(via->start));
	text_add(t, sender->sent_by);
	text_add(t, VIEW(";branch=" COOKIE));
	text_add_hex64(t, id);
	text_add(t, VIEW(";rport\r\nMax-Forwards: 70\r\nFrom: <"));
	add_sender(t, r, chance, sender->domain);
	text_add(t, VIEW(">;tag="));
	text_add_hex64(t, chance);
	text_add(t, VIEW("\r\nTo: <"));
	add_uri(t, to, r->to_domain);
	text_add(t, form->in_dialog ? VIEW(">;tag=fedload\r\nCall-ID: ") : VIEW(">\r\nCall-ID: "));
	text_add_hex64(t, id);
	*mark = text_reserve(t, TEXT_HEX64_BYTES);
	text_add(t, VIEW(CALL_ID_AT "\r\nCSeq: 1 "));
	text_add(t, view_string(form->method));
	text_add(t, VIEW("\r\n"));
	if (form->has_contact) {
		text_add(t, VIEW("Contact: <sip:"));
		text_add(t, sender->sent_by);
		text_add(t, view_string(via->contact));
	}
	text_add(t, view_string(form->fields));
	text_add(t, VIEW("Content-Length: "));
}

static unsigned count_digits(size_t n)
{
	unsigned n_digits = 1;

	for (; n >= 10; n /= 10)
		n_digits++;
	return n_digits;
}

// Bytes between prefix and suffix, n_head being what lies before the number of Content-Length.
static size_t fill_bytes(const struct requests *r, const struct mix_request *what, size_t n_head)
{
	const struct form *form = &forms[what->kind];
	size_t fixed = strlen(form->prefix) + strlen(form->suffix), n, n_fill;

	if (what->kind == MIX_DOCUMENT)
		return what->document_bytes > fixed ? what->document_bytes - fixed : 0;
	if (what->kind != MIX_IM || n_head + 6 > r->config.message_bytes)
		return 0;
	n = r->config.message_bytes - n_head - (sizeof("\r\n\r\n") - 1);
	n_fill = n - count_digits(n);
	// One digit less leaves room for a byte more, unless that byte brings the digit back.
	if (count_digits(n_fill + 1) < count_digits(n))
		n_fill++;
	return n_fill;
}

size_t requests_write(const struct requests *r, const struct mix_request *what, uint64_t id,
	const struct request_sender *sender, uint8_t *out, size_t room)
{
	const struct form *form = &forms[what->kind];
	struct text t = text_over(out, room), at_mark;
	size_t n_fill, n_body;
	uint8_t *mark;

	add_head(&t, r, what, id, sender, &mark);
	if (t.overflow)
		return 0;
	n_fill = fill_bytes(r, what, text_view(&t).len);
	n_body = strlen(form->prefix) + n_fill + strlen(form->suffix);
	at_mark = text_over(mark, TEXT_HEX64_BYTES);
	text_add_hex64(&at_mark, n_body);
	text_add_number(&t, (uint32_t)n_body);
	text_add(&t, VIEW("\r\n\r\n"));
	text_add(&t, view_string(form->prefix));
	text_add(&t, view_of(fill_of(r, id), n_fill));
	text_add(&t, view_string(form->suffix));
	return t.overflow ? 0 : text_view(&t).len;
}

static bool read_hex64(const uint8_t *at, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < TEXT_HEX64_BYTES; i++) {
		uint8_t c = at[i];
		bool letter = c >= 'a' && c <= 'f';

		if (!letter && (c < '0' || c > '9'))
			return false;
		value = value << 4 | (uint64_t)(letter ? c - 'a' + 10 : c - '0');
	}
	*out = value;
	return true;
}

bool requests_recognise(const struct sip_message *m, struct request_mark *out)
{
	struct view id, tail = VIEW(CALL_ID_AT);

	if (sip_call_id(m, &id) < 0 || id.len != 2 * TEXT_HEX64_BYTES + tail.len ||
		memcmp(id.at + 2 * TEXT_HEX64_BYTES, tail.at, tail.len) != 0)
		return false;
	return read_hex64(id.at, &out->id) &&
		read_hex64(id.at + TEXT_HEX64_BYTES, &out->body_bytes);
}

static const struct form *form_of(const struct sip_message *m)
{
	struct view method = sip_view(m, m->method_text);

	for (unsigned k = 0; k < MIX_KIND_N; k++) {
		if (view_equal(method, view_string(forms[k].method)))
			return &forms[k];
	}
	return NULL;
}

bool requests_is_whole(
	const struct requests *r, const struct sip_message *m, const struct request_mark *mark)
{
	const struct form *form = form_of(m);
	struct view prefix, suffix, body = m->body;
	size_t n_fill;

	if (form == NULL || body.len != mark->body_bytes)
		return false;
	prefix = view_string(form->prefix);
	suffix = view_string(form->suffix);
	if (body.len < prefix.len + suffix.len)
		return false;
	n_fill = body.len - prefix.len - suffix.len;
	return n_fill <= MIX_DOCUMENT_BYTES_MAX && memcmp(body.at, prefix.at, prefix.len) == 0 &&
		memcmp(body.at + prefix.len, fill_of(r, mark->id), n_fill) == 0 &&
		memcmp(body.at + prefix.len + n_fill, suffix.at, suffix.len) == 0;
}

static bool is_branch_of(struct view branch, uint64_t id)
{
	struct view cookie = VIEW(COOKIE);
	uint64_t value;

	return branch.len == cookie.len + TEXT_HEX64_BYTES &&
		memcmp(branch.at, cookie.at, cookie.len) == 0 &&
		read_hex64(branch.at + cookie.len, &value) && value == id;
}

bool requests_is_answered(const struct sip_message *m, enum mix_kind kind, uint64_t id)
{
	struct sip_values vias = sip_values_of(m, SIP_H_VIA);
	struct sip_value where;
	struct sip_cseq cseq;
	struct sip_via via;

	return sip_vias_next(&vias, &via, &where) == 1 && is_branch_of(via.branch, id) &&
		sip_values_next(&vias, &where) == 0 && sip_cseq(m, &cseq) == 0 &&
		cseq.number == 1 && view_equal(cseq.method_text, view_string(forms[kind].method));
}
