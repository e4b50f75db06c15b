// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/image_format.h"
#include "tests/unit/lib/policy/fixture.h"
#include "tests/unit/test.h"

#include <errno.h>

// A copy of a good image that a test may spoil.
struct copy {
	uint8_t *bytes;
	size_t n;
	struct image_header *header;
};

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

static struct copy copy_image(void)
{
	struct copy c = {.n = fixture.n_bytes};

	c.bytes = aligned_alloc(IMAGE_ALIGNMENT, (c.n + 127) & ~63UL);
	assert_non_null(c.bytes);
	memcpy(c.bytes, fixture.bytes, c.n);
	c.header = (struct image_header *)c.bytes;
	return c;
}

static void *section(const struct copy *c, enum image_section s)
{
	return c->bytes + c->header->sections[s].offset;
}

static const char *open_error(const struct copy *c)
{
	const char *error = NULL;
	struct image *image;

	errno = 0;
	image = image_open(c->bytes, c->n, &error);
	if (image == NULL)
		assert_int_equal(errno, EBADMSG);
	image_close(image);
	return error;
}

// Makes every checksum good again.
static void mend(struct copy *c)
{
	c->header->digest = image_digest_of(c->bytes, c->n);
	c->header->checksum = image_checksum_of(c->header);
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct copy c = copy_image();

	(void)state;
	assert_null(open_error(&c));
	for (size_t bit = 0; bit < 8 * c.n; bit++) {
		c.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_non_null(open_error(&c));
		c.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(c.bytes);
}

static void an_image_cut_short_or_misaligned_is_refused(void **state)
{
	struct copy c = copy_image();
	size_t n = c.n;
	const char *error;

	(void)state;
	for (c.n = 0; c.n < n; c.n++)
		assert_non_null(open_error(&c));
	c.n = n + 1;
	c.bytes[n] = 0;
	assert_non_null(open_error(&c));
	memmove(c.bytes + 8, c.bytes, n);
	assert_null(image_open(c.bytes + 8, n, &error));
	assert_string_equal(error, "bytes are not aligned to a cache line");
	free(c.bytes);
}

typedef void spoil(struct copy *c);

static void spoil_flags(struct copy *c)
{
	c->header->flags = 1U << 31;
}

static void spoil_bucket_count(struct copy *c)
{
	c->header->sections[SECTION_BUCKETS].count = 3;
}

static void spoil_offset(struct copy *c)
{
	c->header->sections[SECTION_TEXT].offset -= 8;
}

static void spoil_count_of_names(struct copy *c)
{
	c->header->n_names = 2;
}

static void spoil_slot(struct copy *c)
{
	struct name_bucket *bucket = section(c, SECTION_BUCKETS);

	bucket->slots[0] = (bucket->slots[0] & 0xff000000) | 0xffff;
}

static void spoil_slot_into_a_record(struct copy *c)
{
	struct name_bucket *bucket = section(c, SECTION_BUCKETS);

	// The second unit of the long name.
	bucket->slots[0] = (bucket->slots[0] & 0xff000000) | 3;
}

static void add_slot(struct copy *c)
{
	struct name_bucket *bucket = section(c, SECTION_BUCKETS);

	bucket->slots[15] = bucket->slots[0];
}

static void spoil_seed(struct copy *c)
{
	c->header->names_seed[1]++;
}

static void spoil_length(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[4].len = 255;
}

static void spoil_letter(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[1].text[0] = 'L';
}

static void spoil_order(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[1].entry = 1;
}

static void spoil_list(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[1].list = IMAGE_BLOCK + 1;
}

static void spoil_peer_of_a_name(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[1].peer = 2;
}

static void give_a_block_a_peer(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[2].peer = 0;
}

static void spoil_rule(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[1].rule = IMAGE_RULE(1, 1);
}

static void write_behind_the_names(struct copy *c)
{
	((struct name_record *)section(c, SECTION_NAMES))[5].peer = 1;
}

static void spoil_pattern_flags(struct copy *c)
{
	((struct image_pattern_row *)section(c, SECTION_PATTERNS))->flags |= HS_FLAG_PREFILTER;
}

static void spoil_pattern_text(struct copy *c)
{
	((struct image_pattern_row *)section(c, SECTION_PATTERNS))->expression.len--;
}

static void spoil_pattern_offset(struct copy *c)
{
	((struct image_pattern_row *)section(c, SECTION_PATTERNS))->expression.offset = UINT32_MAX;
}

static void spoil_first_hop(struct copy *c)
{
	((struct image_peer *)section(c, SECTION_PEERS))->first_hop = UINT32_MAX;
}

static void take_all_hops(struct copy *c)
{
	((struct image_peer *)section(c, SECTION_PEERS))->n_hops = 0;
}

static void spoil_sources(struct copy *c)
{
	((struct image_peer *)section(c, SECTION_PEERS))[1].n_sources = 2;
}

static void take_all_connections(struct copy *c)
{
	((struct image_peer *)section(c, SECTION_PEERS))->connections = 0;
}

static void spoil_connections(struct copy *c)
{
	((struct image_peer *)section(c, SECTION_PEERS))->connections = IMAGE_CONNECTIONS_MAX + 1;
}

static void spoil_peer_padding(struct copy *c)
{
	((struct image_peer *)section(c, SECTION_PEERS))->zero[2] = 1;
}

static void spoil_port(struct copy *c)
{
	((struct endpoint *)section(c, SECTION_HOPS))->port = 0;
}

static void spoil_transport(struct copy *c)
{
	((struct endpoint *)section(c, SECTION_HOPS))->transport = TRANSPORT_TLS + 1;
}

static void spoil_family(struct copy *c)
{
	((struct endpoint *)section(c, SECTION_HOPS))->ip.family = 5;
}

static void spoil_prefix(struct copy *c)
{
	((struct ip_prefix *)section(c, SECTION_PREFIXES))->bits = 33;
}

static void spoil_host_bits(struct copy *c)
{
	((struct ip_prefix *)section(c, SECTION_PREFIXES))->ip.bytes[1] = 1;
}

static void spoil_source_of_rules(struct copy *c)
{
	((struct image_text *)section(c, SECTION_SOURCES))->len = 3;
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
		{spoil_peer_padding, "a peer with a wrong number of connections"},
		{spoil_port, "a malformed next hop"},
		{spoil_transport, "a malformed next hop"},
		{spoil_family, "a malformed next hop"},
		{spoil_prefix, "a malformed source address"},
		{spoil_host_bits, "a malformed source address"},
		{spoil_source_of_rules, "a source of rules without its name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct copy c = copy_image();

		rows[i].spoil(&c);
		mend(&c);
		assert_string_equal(open_error(&c), rows[i].error);
		free(c.bytes);
	}
}

static void the_same_name_twice_is_refused(void **state)
{
	struct copy c = copy_image();
	struct name_record *units = section(&c, SECTION_NAMES);

	(void)state;
	// The third name becomes the first one, entry and place kept.
	memset(units[4].text, 0, sizeof(units[4].text));
	memcpy(units[4].text, units[1].text, units[1].len);
	units[4].len = units[1].len;
	mend(&c);
	assert_string_equal(open_error(&c), "a name is there twice or not in the table");
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
