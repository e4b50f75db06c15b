// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/policy/builder.h"
#include "lib/link/sealed.h"
#include "tests/unit/dataplane/sample_image.h"

#include <unistd.h>

static uint32_t add_peer(struct builder *b, const char *hop, const char *source)
{
	struct endpoint e;
	struct ip_prefix prefix;
	int64_t peer;

	assert_int_equal(endpoint_parse(view_string(hop), 5060, TRANSPORT_UDP, &e), 0);
	assert_int_equal(ip_prefix_parse(view_string(source), &prefix), 0);
	peer = builder_add_peer(b, &e, 1, &prefix, 1, IMAGE_RULE(0, 1));
	assert_true(peer >= 0);
	return (uint32_t)peer;
}

static void add_name(struct builder *b, const char *name, enum image_list list, uint32_t peer)
{
	struct domain d;
	enum image_list other_list;
	image_rule_id other;

	assert_int_equal(domain_canonical(view_string(name), &d), 0);
	assert_int_equal(
		builder_add_name(b, &d, list, peer, IMAGE_RULE(0, 2), &other_list, &other), 0);
}

int sample_image_fd(const struct sample_image *sample, size_t *n_bytes, struct image_info *info)
{
	const struct builder_settings settings = {
		.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON,
		.body_bytes_max = 1000000,
		.relay_key = {1, 2, 3},
	};
	struct builder *b = builder_new(&settings);
	int fd;

	assert_non_null(b);
	assert_int_equal(builder_add_source(b, VIEW("sample")), 0);
	add_name(b, "local.example", IMAGE_LOCAL, add_peer(b, "10.0.0.1", "10.0.0.0/8"));
	add_name(b, "partner.example", IMAGE_ALLOW, add_peer(b, "192.0.2.1", "192.0.2.0/24"));
	if (sample->blocked != NULL)
		add_name(b, sample->blocked, IMAGE_BLOCK, UINT32_MAX);
	for (const char *const *r = sample->regexes; r != NULL && *r != NULL; r++) {
		char error[PATTERN_ERROR_BYTES];

		assert_int_equal(builder_add_regex(b, view_string(*r), IMAGE_BLOCK, UINT32_MAX,
					 IMAGE_RULE(0, 3), error),
			0);
	}
	fd = builder_finish(b, sample->generation, info);
	assert_true(fd >= 0);
	builder_free(b);
	*n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	return fd;
}

void *sample_image_bytes(int fd, size_t n_bytes)
{
	void *bytes = aligned_alloc(64, (n_bytes + 63) / 64 * 64);

	assert_non_null(bytes);
	assert_int_equal(sealed_read(fd, bytes, n_bytes), 0);
	return bytes;
}
