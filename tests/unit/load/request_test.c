// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/reply.h"
#include "lib/sip/value.h"
#include "tests/load/request.h"
#include "tests/unit/test.h"

#define ID UINT64_C(0x1234000000000042)

static const struct request_sender sender = {VIEW("192.0.2.2:5060"), REQUEST_ANY_DOMAIN};
static struct requests *requests;
static struct sip_message *message;
static uint8_t bytes[REQUEST_BYTES_MAX], answer[4096];
static const struct mix_request im = {.kind = MIX_IM, .conversation = 3};

static void configure(enum transport transport, uint32_t message_bytes)
{
	requests_init(requests,
		&(struct requests_config){.from_domain = "fabrikam.example",
			.to_domain = "contoso.example",
			.n_users = 1000,
			.message_bytes = message_bytes,
			.transport = transport});
}

static int set_up(void **state)
{
	(void)state;
	requests = calloc(1, sizeof(*requests));
	message = calloc(1, sizeof(*message));
	if (requests == NULL || message == NULL)
		return -1;
	configure(TRANSPORT_UDP, 512);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(requests);
	free(message);
	return 0;
}

static size_t write_request(const struct mix_request *what)
{
	return requests_write(requests, what, ID, &sender, bytes, sizeof(bytes));
}

// Writes a request and reads it as whoever receives it does.
static struct request_mark write_and_read(const struct mix_request *what, enum sip_framing framing)
{
	size_t n = write_request(what);
	struct request_mark mark;

	assert_true(n > 0);
	assert_int_equal(sip_message_parse(view_of(bytes, n), framing, message), REASON_none);
	assert_int_equal(message->bytes.len, n);
	assert_true(requests_recognise(message, &mark));
	return mark;
}

static void every_kind_is_sip_and_recognised_and_whole(void **state)
{
	(void)state;
	for (unsigned k = 0; k < MIX_KIND_N; k++) {
		struct mix_request what = {
			.kind = (enum mix_kind)k, .conversation = k, .document_bytes = 25600};
		struct request_mark mark = write_and_read(&what, SIP_STREAM);
		struct sip_address from, to;
		struct sip_cseq cseq;

		assert_int_equal(mark.id, ID);
		assert_int_equal(mark.body_bytes, message->body.len);
		assert_true(requests_is_whole(requests, message, &mark));
		assert_int_equal(sip_from(message, &from), 0);
		assert_int_equal(sip_to(message, &to), 0);
		assert_true(view_equal(from.uri.host, VIEW("fabrikam.example")));
		assert_true(view_equal(to.uri.host, VIEW("contoso.example")));
		assert_int_equal(sip_cseq(message, &cseq), 0);
		assert_int_equal(cseq.method, message->method);
	}
}

static void a_message_has_the_length_asked_for_but_for_a_byte(void **state)
{
	unsigned n_exact = 0, n_all = 0;

	(void)state;
	for (uint32_t n = REQUEST_MESSAGE_MIN; n <= REQUEST_MESSAGE_MAX; n++, n_all++) {
		size_t n_bytes;

		configure(TRANSPORT_UDP, n);
		n_bytes = write_request(&im);
		assert_in_range(n_bytes, n - 1, n);
		n_exact += n_bytes == n;
	}
	// Short only where the number of the body's length would get one digit more.
	assert_in_range(n_exact, n_all - 3, n_all);
}

static void senders_are_of_as_many_domains_as_asked_for(void **state)
{
	enum { N = 7 };
	struct requests_config config = requests->config;
	bool seen[N] = {false};
	unsigned n_seen = 0;

	(void)state;
	config.n_domains = N;
	requests_init(requests, &config);
	for (uint32_t i = 0; i < 100 * N; i++) {
		struct mix_request what = {.kind = MIX_IM, .conversation = i};
		struct request_mark mark = write_and_read(&what, SIP_DATAGRAM);
		struct sip_address from;
		char name[32];
		unsigned d = 0;

		assert_true(requests_is_whole(requests, message, &mark));
		assert_int_equal(sip_from(message, &from), 0);
		do {
			assert_true(d < N);
			snprintf(name, sizeof(name), "d%05u.fabrikam.example", d);
		} while (!view_equal(from.uri.host, view_string(name)) && ++d);
		n_seen += !seen[d];
		seen[d] = true;
		// A conversation's sender does not change.
		write_and_read(&what, SIP_DATAGRAM);
		assert_int_equal(sip_from(message, &from), 0);
		assert_true(view_equal(from.uri.host, view_string(name)));
	}
	assert_int_equal(n_seen, N);
}

static void a_document_has_the_length_asked_for(void **state)
{
	(void)state;
	for (uint32_t n = 400; n <= MIX_DOCUMENT_BYTES_MAX; n += 700) {
		struct mix_request what = {.kind = MIX_DOCUMENT, .document_bytes = n};
		struct request_mark mark = write_and_read(&what, SIP_DATAGRAM);

		assert_int_equal(mark.body_bytes, n);
	}
}

static void any_changed_byte_of_a_body_is_noticed(void **state)
{
	struct mix_request what = {.kind = MIX_DOCUMENT, .document_bytes = 500};
	struct request_mark mark = write_and_read(&what, SIP_DATAGRAM);
	size_t at = (size_t)(message->body.at - bytes), n = message->body.len;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bytes[at + i] ^= 1;
		assert_false(requests_is_whole(requests, message, &mark));
		bytes[at + i] ^= 1;
	}
	assert_true(requests_is_whole(requests, message, &mark));
	message->body.len--;
	assert_false(requests_is_whole(requests, message, &mark));
}

static void the_body_of_another_request_is_not_whole(void **state)
{
	struct request_mark mark = write_and_read(&im, SIP_DATAGRAM);

	(void)state;
	mark.id++;
	assert_false(requests_is_whole(requests, message, &mark));
}

static void a_call_id_of_others_is_not_recognised(void **state)
{
	static const char *const others[] = {"123@host", "0123456789abcdef0123456789abcdef@fedloax",
		"0123456789abcdeX0123456789abcdef@fedload", "@fedload"};
	struct request_mark mark;

	(void)state;
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[200];
		int n = snprintf(text, sizeof(text),
			"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: %s\r\n\r\n", others[i]);

		sip_message_parse(view_of(text, (size_t)n), SIP_DATAGRAM, message);
		assert_false(requests_recognise(message, &mark));
	}
}

static void reply_to(const struct mix_request *what)
{
	struct sip_message *request = calloc(1, sizeof(*request));
	struct sip_reply reply = {.request = request, .status = 200, .to_tag = VIEW("x")};
	size_t n = write_request(what);

	assert_non_null(request);
	sip_message_parse(view_of(bytes, n), SIP_DATAGRAM, request);
	n = sip_reply_write(&reply, answer, sizeof(answer));
	assert_int_equal(sip_message_parse(view_of(answer, n), SIP_DATAGRAM, message), REASON_none);
	free(request);
}

static void the_response_to_a_request_answers_that_one_only(void **state)
{
	(void)state;
	reply_to(&im);
	assert_true(requests_is_answered(message, MIX_IM, ID));
	assert_false(requests_is_answered(message, MIX_TYPING, ID));
	assert_false(requests_is_answered(message, MIX_IM, ID + 1));
}

static void a_response_with_a_second_via_answers_nothing(void **state)
{
	static const char text[] = "SIP/2.0 200 OK\r\n"
				   "Via: SIP/2.0/UDP a;branch=z9hG4bK1234000000000042\r\n"
				   "Via: SIP/2.0/UDP b;branch=z9hG4bK1\r\n"
				   "CSeq: 1 MESSAGE\r\n\r\n";

	(void)state;
	sip_message_parse(view_string(text), SIP_DATAGRAM, message);
	assert_false(requests_is_answered(message, MIX_IM, ID));
}

static void a_request_that_does_not_fit_is_not_written(void **state)
{
	size_t n = write_request(&im);

	(void)state;
	for (size_t room = 0; room < n; room++)
		assert_int_equal(requests_write(requests, &im, ID, &sender, bytes, room), 0);
	assert_int_equal(requests_write(requests, &im, ID, &sender, bytes, n), n);
}

static void a_sender_over_tls_is_of_the_domain_that_is_given(void **state)
{
	const struct request_sender third = {VIEW("192.0.2.2:5061"), 3};
	struct requests_config config = requests->config;
	struct sip_address from;
	struct sip_value where;
	struct sip_via via;
	size_t n;

	(void)state;
	config.n_domains = 7;
	config.transport = TRANSPORT_TLS;
	requests_init(requests, &config);
	for (uint32_t i = 0; i < 20; i++) {
		const struct mix_request what = {.kind = MIX_SUBSCRIBE, .conversation = i};

		n = requests_write(requests, &what, ID + i, &third, bytes, sizeof(bytes));
		assert_int_equal(
			sip_message_parse(view_of(bytes, n), SIP_STREAM, message), REASON_none);
		assert_int_equal(sip_from(message, &from), 0);
		assert_true(view_equal(from.uri.host, VIEW("d00003.fabrikam.example")));
		assert_int_equal(sip_top_via(message, &via, &where), 0);
		assert_int_equal(via.transport, TRANSPORT_TLS);
		assert_non_null(memmem(bytes, n, ";transport=tls>", 15));
	}
	configure(TRANSPORT_UDP, 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_sip_and_recognised_and_whole),
		cmocka_unit_test(a_message_has_the_length_asked_for_but_for_a_byte),
		cmocka_unit_test(senders_are_of_as_many_domains_as_asked_for),
		cmocka_unit_test(a_sender_over_tls_is_of_the_domain_that_is_given),
		cmocka_unit_test(a_document_has_the_length_asked_for),
		cmocka_unit_test(any_changed_byte_of_a_body_is_noticed),
		cmocka_unit_test(the_body_of_another_request_is_not_whole),
		cmocka_unit_test(a_call_id_of_others_is_not_recognised),
		cmocka_unit_test(the_response_to_a_request_answers_that_one_only),
		cmocka_unit_test(a_response_with_a_second_via_answers_nothing),
		cmocka_unit_test(a_request_that_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
