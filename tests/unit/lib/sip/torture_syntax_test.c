// SPDX-License-Identifier: BSD-3-Clause
// The parser and its accessors over the messages of RFC 4475 and RFC 5118, against the `syntax`
// column of tests/data/sip_expectations.def and against what the RFCs say of single values.

#include "lib/sip/value.h"
#include "tests/unit/shared_data.h"
#include "tests/unit/test.h"

#include <errno.h>

enum outcome { FORWARD, REFUSE, RESPONSE_DROP };

enum syntax { VALID, UNREAD, INVALID };

static const struct expectation {
	const char *file;
	enum outcome outcome;
	unsigned status;
	enum syntax syntax;
} expectations[] = {
#define EXPECT(file, outcome, status, syntax, citation) {file, outcome, status, syntax},
#include "tests/data/sip_expectations.def"
#undef EXPECT
};
#define N_EXPECTATIONS (sizeof(expectations) / sizeof(expectations[0]))

static int all_vias_read_well(const struct sip_message *m)
{
	struct sip_values it = sip_values_of(m, SIP_H_VIA);
	struct sip_value value;
	struct sip_via via;
	int n = 0, more;

	while ((more = sip_values_next(&it, &value)) == 1) {
		if (sip_via_parse(sip_view(m, value.span), &via) != 0)
			return -EINVAL;
		n++;
	}
	return more == 0 && n > 0 ? 0 : -EINVAL;
}

static int all_addresses_read_well(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values it = sip_values_of(m, id);
	struct sip_address address;
	struct sip_value value;
	int more;

	while ((more = sip_values_next(&it, &value)) == 1) {
		if (sip_address_parse(sip_view(m, value.span), &address) != 0)
			return -EINVAL;
	}
	return more;
}

// Call-ID, CSeq, From, To and the others are single (RFC 3261 §7.3.1, §20).
static bool single_fields_are_single(const struct sip_message *m)
{
	for (enum sip_header_id id = SIP_H_OTHER + 1; id < SIP_H_N; id++) {
		const struct sip_header *first = sip_header_first(m, id);

		if (!sip_header_is_list(id) && first != NULL && sip_header_next(m, first) != NULL)
			return false;
	}
	return true;
}

// Every part that a proxy reads (RFC 3261 §16.3 to §16.7).
static bool reads_well(const struct sip_message *m)
{
	struct sip_address address;
	struct sip_cseq cseq;
	struct view call_id;
	unsigned max_forwards;
	uint32_t length;
	int error;

	if (sip_from(m, &address) != 0 || sip_to(m, &address) != 0 || sip_cseq(m, &cseq) != 0 ||
		sip_call_id(m, &call_id) != 0 || call_id.len == 0 || all_vias_read_well(m) != 0 ||
		all_addresses_read_well(m, SIP_H_ROUTE) != 0 ||
		all_addresses_read_well(m, SIP_H_RECORD_ROUTE) != 0)
		return false;
	error = sip_max_forwards(m, &max_forwards);
	if (error != 0 && error != -ENOENT)
		return false;
	error = sip_content_length(m, &length);
	if (error != 0 && error != -ENOENT)
		return false;
	if (m->is_request) {
		struct sip_uri uri;

		if (sip_uri_parse(sip_view(m, m->request_uri), &uri) != 0 || uri.headers.len != 0 ||
			!view_equal(cseq.method_text, sip_view(m, m->method_text)))
			return false;
	}
	return single_fields_are_single(m);
}

static void each_message_reads_as_well_as_its_row_says(void **state)
{
	unsigned n_wrong = 0;

	(void)state;
	if (!shared_data_is_there())
		skip();
	for (size_t i = 0; i < N_EXPECTATIONS; i++) {
		const struct expectation *row = &expectations[i];
		char name[128];
		struct sip_message m;
		struct view bytes;
		enum reason reason;
		bool well;

		snprintf(name, sizeof(name), "sip/%s", row->file);
		bytes = shared_data_read(name);
		if (bytes.at == NULL)
			fail_msg("%s: no such file", row->file);
		reason = sip_message_parse(bytes, SIP_DATAGRAM, &m);
		well = reason == REASON_none && reads_well(&m);
		if (well != (row->syntax != INVALID)) {
			print_error("%s: reads %s, parse says %s\n", row->file,
				well ? "well" : "badly", reason_name(reason));
			n_wrong++;
		}
		shared_data_free(bytes);
	}
	assert_int_equal(n_wrong, 0);
}

// A 400 must be answerable: the start line says that it is a request and the Vias are indexed.
static void a_request_to_be_refused_is_indexed_as_far_as_its_answer_needs(void **state)
{
	unsigned n_wrong = 0;

	(void)state;
	if (!shared_data_is_there())
		skip();
	for (size_t i = 0; i < N_EXPECTATIONS; i++) {
		const struct expectation *row = &expectations[i];
		char name[128];
		struct sip_message m;
		struct view bytes;
		enum reason reason;

		if (row->outcome != REFUSE)
			continue;
		snprintf(name, sizeof(name), "sip/%s", row->file);
		bytes = shared_data_read(name);
		reason = sip_message_parse(bytes, SIP_DATAGRAM, &m);
		if (reason == REASON_sip_not_sip || !m.is_request ||
			sip_header_first(&m, SIP_H_VIA) == NULL ||
			(reason != REASON_none && reason_sip_status(reason) != row->status)) {
			print_error("%s: cannot be answered %u, parse says %s\n", row->file,
				row->status, reason_name(reason));
			n_wrong++;
		}
		shared_data_free(bytes);
	}
	assert_int_equal(n_wrong, 0);
}

// Every prefix, in an allocation of its own, so that ASan sees the first byte read beyond it.
static void no_prefix_of_a_message_is_read_beyond_its_end(void **state)
{
	(void)state;
	if (!shared_data_is_there())
		skip();
	for (size_t i = 0; i < N_EXPECTATIONS; i++) {
		char name[128];
		struct view bytes;

		snprintf(name, sizeof(name), "sip/%s", expectations[i].file);
		bytes = shared_data_read(name);
		for (size_t len = 0; len < bytes.len; len++) {
			uint8_t *copy = malloc(len + 1);
			struct sip_message m;
			enum reason reason;

			assert_non_null(copy);
			// The bytes start one in, so that their end is the allocation's.
			memcpy(copy + 1, bytes.at, len);
			reason = sip_message_parse(view_of(copy + 1, len), SIP_DATAGRAM, &m);
			if (reason == REASON_none)
				(void)reads_well(&m);
			free(copy);
		}
		shared_data_free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_reads_as_well_as_its_row_says),
		cmocka_unit_test(a_request_to_be_refused_is_indexed_as_far_as_its_answer_needs),
		cmocka_unit_test(no_prefix_of_a_message_is_read_beyond_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
