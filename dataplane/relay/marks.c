// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/marks.h"
#include "lib/base/base64.h"
#include "lib/base/wire.h"
#include "lib/policy/mix.h"

#include <endian.h>
#include <errno.h>

enum purpose {
	PURPOSE_BRANCH = 1,
	PURPOSE_WAY,
	PURPOSE_LOOP,
	PURPOSE_TAG,
};

static void start(struct siphash *h, const struct siphash_key *key, enum purpose purpose)
{
	uint64_t word = purpose;

	siphash_init(h, key);
	siphash_add(h, &word, sizeof(word));
}

void marks_init(struct marks *k, const struct siphash_key *key)
{
	struct siphash loop;

	start(&k->branch, key, PURPOSE_BRANCH);
	start(&k->way, key, PURPOSE_WAY);
	start(&k->tag, key, PURPOSE_TAG);
	start(&loop, key, PURPOSE_LOOP);
	k->loop = siphash_end(&loop);
}

// One word of up to four lengths and numbers in front of the bytes that they describe, so that
// neighbouring parts cannot be shifted into each other.
static void add_word(struct siphash *h, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t word = htole64(a | b << 16 | c << 32 | d << 48);

	siphash_add_padded(h, view_of(&word, sizeof(word)));
}

// A short sent-by and branch in words, the rest zero: nearly all are, and hash four at a time.
#define SHORT_WORDS 8
#define SHORT_BYTES (8 * (SHORT_WORDS - 1)) // behind the word of lengths

static bool is_short(struct view sent_by, struct view branch)
{
	return sent_by.len <= SHORT_BYTES && branch.len <= SHORT_BYTES - sent_by.len;
}

static void lay_out_short(struct view sent_by, struct view branch, uint64_t words[SHORT_WORDS])
{
	uint8_t *at = (uint8_t *)(words + 1);

	memset(words, 0, 8 * SHORT_WORDS);
	words[0] = sent_by.len | (uint64_t)branch.len << 16;
	memcpy(at, sent_by.at, sent_by.len);
	memcpy(at + sent_by.len, branch.at, branch.len);
}

uint64_t marks_branch(const struct marks *k, struct view sent_by, struct view branch)
{
	struct siphash h = k->branch;
	uint64_t words[SHORT_WORDS];

	if (is_short(sent_by, branch)) {
		lay_out_short(sent_by, branch, words);
		return siphash_end_words(&k->branch, words, SHORT_WORDS);
	}
	add_word(&h, sent_by.len, branch.len, 0, 0);
	siphash_add_padded(&h, sent_by);
	siphash_add_padded(&h, branch);
	return siphash_end(&h);
}

uint64_t marks_branch_2543(const struct marks *k, struct view call_id, struct view from_tag,
	uint32_t cseq, struct view request_uri)
{
	struct siphash h = k->branch;

	// The last lane tells this input from the other branch's.
	add_word(&h, call_id.len, from_tag.len, request_uri.len, 1);
	siphash_add_padded(&h, view_of(&cseq, sizeof(cseq)));
	siphash_add_padded(&h, call_id);
	siphash_add_padded(&h, from_tag);
	siphash_add_padded(&h, request_uri);
	return siphash_end(&h);
}

uint64_t marks_loop(const struct marks *k, const struct marks_loop *input)
{
	uint64_t h = k->loop ^ (uint64_t)input->cseq << 8 ^ input->side;

	// mix_bytes() counts the length in, so parts cannot be shifted into each other.
	h = mix_bytes(h, input->request_uri.at, input->request_uri.len);
	h = mix_bytes(h, input->target.at, input->target.len);
	h = mix_bytes(h, input->call_id.at, input->call_id.len);
	return mix_bytes(h, input->from_tag.at, input->from_tag.len);
}

uint64_t marks_tag(const struct marks *k, struct view call_id, struct view from_tag, uint32_t cseq)
{
	struct siphash h = k->tag;

	add_word(&h, call_id.len, from_tag.len, cseq & 0xffff, cseq >> 16);
	siphash_add_padded(&h, call_id);
	siphash_add_padded(&h, from_tag);
	return siphash_end(&h);
}

bool marks_tag_is(struct view tag, uint64_t hash)
{
	uint8_t bytes[MARKS_TAG_BYTES];
	struct text t = text_over(bytes, sizeof(bytes));

	text_add(&t, VIEW(MARKS_TAG_PREFIX));
	text_add_hex64(&t, hash);
	return view_equal(tag, text_view(&t));
}

// On the wire: family, listener, worker (2), port (2), address (4 or 16), of a connection its id
// and a zero (9), MAC (8): 18, 27, 30 or 39 bytes, all whole base64 groups and each of one kind.
#define WAY_HEAD_BYTES 6U
#define WAY_CONN_BYTES 9U
#define WAY_MAC_BYTES  8U

static unsigned address_bytes(unsigned family)
{
	return family == IP_V4 ? 4 : 16;
}

#define WAY_WORDS 5

// Over values of fixed width: nothing in front of them is needed to keep them apart.
static void lay_out_way(
	const struct way_back *way, uint64_t branch, unsigned side, uint64_t words[WAY_WORDS])
{
	memcpy(words, way->to.ip.bytes, sizeof(way->to.ip.bytes));
	words[2] = way->to.ip.family | (uint64_t)way->listener << 8 | (uint64_t)way->worker << 16 |
		(uint64_t)way->to.port << 32 | (uint64_t)side << 48;
	words[3] = branch;
	words[4] = way->conn;
}

uint64_t marks_way(
	const struct marks *k, const struct way_back *way, uint64_t branch, unsigned egress)
{
	uint64_t words[WAY_WORDS];

	lay_out_way(way, branch, egress, words);
	return siphash_end_words(&k->way, words, WAY_WORDS);
}

static void put64(uint8_t *at, uint64_t value)
{
	wire_put32(at, (uint32_t)(value >> 32));
	wire_put32(at + 4, (uint32_t)value);
}

static uint64_t get64(const uint8_t *at)
{
	return (uint64_t)wire_get32(at) << 32 | wire_get32(at + 4);
}

unsigned way_back_lay_out(const struct way_back *way, uint64_t mac, uint8_t bytes[WAY_BACK_BYTES])
{
	unsigned n_address = address_bytes(way->to.ip.family), n = WAY_HEAD_BYTES + n_address;

	bytes[0] = way->to.ip.family;
	bytes[1] = way->listener;
	wire_put16(bytes + 2, way->worker);
	wire_put16(bytes + 4, way->to.port);
	memcpy(bytes + WAY_HEAD_BYTES, way->to.ip.bytes, n_address);
	if (way->conn != 0) {
		put64(bytes + n, way->conn);
		bytes[n + WAY_CONN_BYTES - 1] = 0;
		n += WAY_CONN_BYTES;
	}
	put64(bytes + n, mac);
	return n + WAY_MAC_BYTES;
}

void way_back_add(struct text *t, const uint8_t bytes[], unsigned n_bytes)
{
	uint8_t *text = text_reserve(t, BASE64_TEXT_BYTES(n_bytes));

	if (text != NULL)
		base64_encode(bytes, n_bytes, text);
}

// Each step of the four comes before the next step of any: what was just stored in small pieces
// can be loaded in large ones only after a while.
static void hash_branches(const struct marks *k, struct marks_via *const list[], unsigned n)
{
	uint64_t rows[MARKS_AT_ONCE][SHORT_WORDS] = {{0}}, words[SHORT_WORDS][MARKS_AT_ONCE];
	uint64_t hashes[MARKS_AT_ONCE];
	unsigned laid_out = 0;

	for (unsigned i = 0; i < n; i++) {
		struct marks_via *via = list[i];

		if (via->branch.len == 0)
			continue;
		if (!is_short(via->sent_by, via->branch)) {
			via->branch_hash = marks_branch(k, via->sent_by, via->branch);
			continue;
		}
		lay_out_short(via->sent_by, via->branch, rows[i]);
		laid_out |= 1U << i;
	}
	for (unsigned i = 0; i < MARKS_AT_ONCE; i++) {
		for (unsigned w = 0; w < SHORT_WORDS; w++)
			words[w][i] = rows[i][w];
	}
	siphash_end_words_of_4(
		&k->branch, (const uint64_t(*)[MARKS_AT_ONCE])words, SHORT_WORDS, hashes);
	for (unsigned i = 0; i < n; i++) {
		if ((laid_out >> i & 1) != 0)
			list[i]->branch_hash = hashes[i];
	}
}

void marks_make(const struct marks *k, struct marks_via *const list[], unsigned n)
{
	uint64_t words[WAY_WORDS][MARKS_AT_ONCE] = {{0}}, macs[MARKS_AT_ONCE];
	uint64_t row[WAY_WORDS];

	hash_branches(k, list, n);
	for (unsigned i = 0; i < n; i++) {
		lay_out_way(&list[i]->way, list[i]->branch_hash, list[i]->egress, row);
		for (unsigned w = 0; w < WAY_WORDS; w++)
			words[w][i] = row[w];
	}
	siphash_end_words_of_4(&k->way, (const uint64_t(*)[MARKS_AT_ONCE])words, WAY_WORDS, macs);
	for (unsigned i = 0; i < n; i++)
		list[i]->n_way_bytes =
			(uint8_t)way_back_lay_out(&list[i]->way, macs[i], list[i]->way_bytes);
}

// The hash in a branch of ours, written as add_via() writes it and no other way.
static bool read_branch(struct view branch, uint64_t *hash)
{
	const uint8_t *digits;

	if (branch.len != MARKS_BRANCH_BYTES ||
		memcmp(branch.at, MARKS_BRANCH_COOKIE, sizeof(MARKS_BRANCH_COOKIE) - 1) != 0)
		return false;
	digits = branch.at + sizeof(MARKS_BRANCH_COOKIE) - 1;
	*hash = 0;
	for (unsigned i = 0; i < TEXT_HEX64_BYTES; i++) {
		unsigned figure = digits[i] - (unsigned)'0', letter = digits[i] - (unsigned)'a';

		if (figure > 9 && letter > 5)
			return false;
		*hash = *hash << 4 | (figure <= 9 ? figure : letter + 10);
	}
	return true;
}

int way_back_parse(const struct marks *k, struct view text, struct view branch, unsigned ingress,
	struct way_back *out)
{
	uint8_t bytes[WAY_BACK_BYTES];
	unsigned n_address, n;

	memset(out, 0, sizeof(*out));
	if (text.len < BASE64_TEXT_BYTES(WAY_HEAD_BYTES + 4 + WAY_MAC_BYTES) ||
		text.len > WAY_BACK_TEXT_BYTES || text.len % 4 != 0)
		return -EINVAL;
	if (base64_decode(text.at, text.len, bytes) < 0 || !read_branch(branch, &out->branch))
		return -EINVAL;
	n_address = address_bytes(bytes[0]);
	n = (unsigned)text.len / 4 * 3 - WAY_MAC_BYTES;
	if (n != WAY_HEAD_BYTES + n_address && n != WAY_HEAD_BYTES + n_address + WAY_CONN_BYTES)
		return -EINVAL;
	out->to.ip.family = bytes[0];
	out->listener = bytes[1];
	out->worker = wire_get16(bytes + 2);
	out->to.port = wire_get16(bytes + 4);
	memcpy(out->to.ip.bytes, bytes + WAY_HEAD_BYTES, n_address);
	if (n > WAY_HEAD_BYTES + n_address) {
		out->conn = get64(bytes + WAY_HEAD_BYTES + n_address);
		// One text for each way, and no other.
		if (out->conn == 0 || bytes[n - 1] != 0)
			return -EINVAL;
	}
	return get64(bytes + n) == marks_way(k, out, out->branch, ingress) ? 0 : -EINVAL;
}
