// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/policy/image_copy.h"
#include "tests/unit/test.h"

static struct fixture fixture;

static int set_up(void **state)
{
	(void)state;
	fixture_init(&fixture, IMAGE_FEDERATION_ON);
	fixture_add_name(&fixture, "local.example", IMAGE_LOCAL, 1);
	fixture_add_name(&fixture, "a-name-of-more-than-fifty-bytes-that-takes-two-units.example",
		IMAGE_BLOCK, 2);
	fixture_add_name(&fixture, "partner.example", IMAGE_ALLOW, 3);
	fixture_add_wildcard(&fixture, "*.spam", IMAGE_BLOCK, 4);
	fixture_open(&fixture, 9);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct image_copy c = copy_image(&fixture);

	(void)state;
	assert_null(copy_error(&c));
	for (size_t bit = 0; bit < 8 * c.n; bit++) {
		c.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_non_null(copy_error(&c));
		c.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(c.bytes);
}

static void an_image_cut_short_or_misaligned_is_refused(void **state)
{
	struct image_copy c = copy_image(&fixture);
	size_t n = c.n;
	const char *error;

	(void)state;
	for (c.n = 0; c.n < n; c.n++)
		assert_non_null(copy_error(&c));
	c.n = n + 1;
	c.bytes[n] = 0;
	assert_non_null(copy_error(&c));
	memmove(c.bytes + 8, c.bytes, n);
	assert_null(image_open(c.bytes + 8, n, &error));
	assert_string_equal(error, "bytes are not aligned to a cache line");
	free(c.bytes);
}

typedef void spoil(struct image_copy *c);

static void spoil_flags(struct image_copy *c)
{
	c->header->flags = 1U << 31;
}

static void spoil_bucket_count(struct image_copy *c)
{
	c->header->sections[SECTION_BUCKETS].count = 3;
}

static void spoil_offset(struct image_copy *c)
{
	c->header->sections[SECTION_TEXT].offset -= 8;
}

static void spoil_count_of_names(struct image_copy *c)
{
	c->header->n_names = 2;
}

static void spoil_slot(struct image_copy *c)
{
	struct name_bucket *bucket = copy_section(c, SECTION_BUCKETS);

	bucket->slots[0] = (bucket->slots[0] & 0xff000000) | 0xffff;
}

static void spoil_slot_into_a_record(struct image_copy *c)
{
	struct name_bucket *bucket = copy_section(c, SECTION_BUCKETS);

	// The second unit of the long name.
	bucket->slots[0] = (bucket->slots[0] & 0xff000000) | 3;
}

static void add_slot(struct image_copy *c)
{
	struct name_bucket *bucket = copy_section(c, SECTION_BUCKETS);

	bucket->slots[15] = bucket->slots[0];
}

static void spoil_seed(struct image_copy *c)
{
	c->header->names_seed[1]++;
}

static void spoil_length(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[4].len = 255;
}

static void spoil_letter(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[1].text[0] = 'L';
}

static void spoil_order(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[1].entry = 1;
}

static void spoil_list(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[1].list = IMAGE_BLOCK + 1;
}

static void spoil_peer_of_a_name(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[1].peer = 9;
}

static void give_a_block_a_peer(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[2].peer = 0;
}

static void spoil_rule(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[1].rule = IMAGE_RULE(1, 1);
}

static void write_behind_the_names(struct image_copy *c)
{
	((struct name_record *)copy_section(c, SECTION_NAMES))[5].peer = 1;
}

static void spoil_pattern_flags(struct image_copy *c)
{
	((struct image_pattern_row *)copy_section(c, SECTION_PATTERNS))->flags |= HS_FLAG_PREFILTER;
}

static void spoil_pattern_text(struct image_copy *c)
{
	((struct image_pattern_row *)copy_section(c, SECTION_PATTERNS))->expression.len--;
}

static void spoil_pattern_offset(struct image_copy *c)
{
	((struct image_pattern_row *)copy_section(c, SECTION_PATTERNS))->expression.offset =
		UINT32_MAX;
}

static void spoil_first_hop(struct image_copy *c)
{
	((struct image_peer *)copy_section(c, SECTION_PEERS))->first_hop = UINT32_MAX;
}

static void take_all_hops(struct image_copy *c)
{
	((struct image_peer *)copy_section(c, SECTION_PEERS))->n_hops = 0;
}

static void spoil_sources(struct image_copy *c)
{
	((struct image_peer *)copy_section(c, SECTION_PEERS))[1].n_sources = 2;
}

static void take_all_connections(struct image_copy *c)
{
	((struct image_peer *)copy_section(c, SECTION_PEERS))->connections = 0;
}

static void spoil_connections(struct image_copy *c)
{
	((struct image_peer *)copy_section(c, SECTION_PEERS))->connections =
		IMAGE_CONNECTIONS_MAX + 1;
}

static void spoil_port(struct image_copy *c)
{
	((struct endpoint *)copy_section(c, SECTION_HOPS))->port = 0;
}

static void spoil_transport(struct image_copy *c)
{
	((struct endpoint *)copy_section(c, SECTION_HOPS))->transport = TRANSPORT_TLS + 1;
}

static void spoil_family(struct image_copy *c)
{
	((struct endpoint *)copy_section(c, SECTION_HOPS))->ip.family = 5;
}

static void spoil_prefix(struct image_copy *c)
{
	((struct ip_prefix *)copy_section(c, SECTION_PREFIXES))->bits = 33;
}

static void spoil_host_bits(struct image_copy *c)
{
	((struct ip_prefix *)copy_section(c, SECTION_PREFIXES))->ip.bytes[1] = 1;
}

static void spoil_source_of_rules(struct image_copy *c)
{
	((struct image_text *)copy_section(c, SECTION_SOURCES))->len = 3;
}

static void what_is_spoiled_under_good_checksums_is_refused_by_name(void **state)
{
	static const struct {
		spoil *spoil;
		const char *error;
	} rows[] = {
		{spoil_flags, "unknown flags"},
		{spoil_bucket_count, "a section's length is not that of its items"},
		{spoil_offset, "a section is not where it must be"},
		{spoil_count_of_names, "slots are not as many as names"},
		{spoil_slot, "a slot points behind the names"},
		{spoil_slot_into_a_record, "a name is there twice or not in the table"},
		{add_slot, "slots are not as many as names"},
		{spoil_seed, "a name is there twice or not in the table"},
		{spoil_length, "a name ends behind its section"},
		{spoil_letter, "a name is not canonical"},
		{spoil_order, "a name out of order"},
		{spoil_list, "an entry of an unknown list"},
		{spoil_peer_of_a_name, "an entry with a wrong peer"},
		{give_a_block_a_peer, "an entry with a wrong peer"},
		{spoil_rule, "an entry with a wrong rule"},
		{write_behind_the_names, "the empty units behind the names are not empty"},
		{spoil_pattern_flags, "a pattern with wrong flags"},
		{spoil_pattern_text, "a pattern without its text"},
		{spoil_pattern_offset, "a pattern without its text"},
		{spoil_first_hop, "a peer with wrong next hops"},
		{take_all_hops, "a peer with wrong next hops"},
		{spoil_sources, "a peer with wrong sources"},
		{take_all_connections, "a peer with a wrong number of connections"},
		{spoil_connections, "a peer with a wrong number of connections"},
		{spoil_port, "a malformed next hop"},
		{spoil_transport, "a malformed next hop"},
		{spoil_family, "a malformed next hop"},
		{spoil_prefix, "a malformed source address"},
		{spoil_host_bits, "a malformed source address"},
		{spoil_source_of_rules, "a source of rules without its name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct image_copy c = copy_image(&fixture);
		const char *error;

		rows[i].spoil(&c);
		copy_mend(&c);
		error = copy_error(&c);
		if (error == NULL)
			fail_msg("not refused: %s", rows[i].error);
		assert_string_equal(error, rows[i].error);
		free(c.bytes);
	}
}

static void the_same_name_twice_is_refused(void **state)
{
	struct image_copy c = copy_image(&fixture);
	struct name_record *units = copy_section(&c, SECTION_NAMES);

	(void)state;
	// The third name becomes the first one, entry and place kept.
	memset(units[4].text, 0, sizeof(units[4].text));
	memcpy(units[4].text, units[1].text, units[1].len);
	units[4].len = units[1].len;
	copy_mend(&c);
	assert_string_equal(copy_error(&c), "a name is there twice or not in the table");
	free(c.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(an_image_cut_short_or_misaligned_is_refused),
		cmocka_unit_test(what_is_spoiled_under_good_checksums_is_refused_by_name),
		cmocka_unit_test(the_same_name_twice_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
