// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/card.h"

#include "lib/policy/domain.h"

#include <errno.h>

static bool all_zero(const uint8_t *bytes, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

static bool printable(uint8_t c)
{
	return c >= ' ' && c <= '~';
}

static bool has_certificate(const struct card *c)
{
	return !all_zero(c->fingerprint, sizeof(c->fingerprint));
}

static bool needs_certificate(unsigned proof)
{
	return proof == CARD_SAN_URI || proof == CARD_SAN_DNS || proof == CARD_CN;
}

struct view card_view(const struct card *c, struct card_text text)
{
	return view_of(c->text + text.offset, text.len);
}

// The index of a name, n_names where it has none such.
static unsigned find_name(const struct card *c, struct view name)
{
	unsigned i = 0;

	while (i < c->n_names && !view_equal(card_view(c, c->names[i]), name))
		i++;
	return i;
}

bool card_names(const struct card *c, struct view host)
{
	return find_name(c, host) < c->n_names;
}

bool card_name_is_domain(const struct card *c, unsigned index)
{
	if (c->proofs[index] != CARD_SAN_DNS && c->proofs[index] != CARD_CN)
		return true;
	return memchr(c->proofs, CARD_SAN_URI, c->n_names) == NULL;
}

bool card_proves(const struct card *c, struct view domain)
{
	unsigned i = find_name(c, domain);

	return i < c->n_names && card_name_is_domain(c, i);
}

static struct card_text add_text(struct card *c, struct view text, size_t n_max)
{
	struct card_text added = {.offset = c->text_bytes};

	added.len = (uint16_t)(text.len < n_max ? text.len : n_max);
	for (uint16_t i = 0; i < added.len; i++)
		c->text[added.offset + i] = printable(text.at[i]) ? text.at[i] : '?';
	c->text_bytes = (uint16_t)(c->text_bytes + added.len);
	return added;
}

void card_init(struct card *c, const uint8_t *fingerprint, struct view subject, struct view issuer,
	struct view serial)
{
	memset(c, 0, sizeof(*c));
	if (fingerprint != NULL)
		memcpy(c->fingerprint, fingerprint, sizeof(c->fingerprint));
	c->subject = add_text(c, subject, CARD_SUBJECT_BYTES_MAX);
	c->issuer = add_text(c, issuer, CARD_ISSUER_BYTES_MAX);
	c->serial = add_text(c, serial, CARD_SERIAL_BYTES_MAX);
	for (uint16_t i = 0; i < c->serial.len; i++)
		c->text[c->serial.offset + i] = ascii_lower(c->text[c->serial.offset + i]);
}

int card_add_name(struct card *c, struct view name, enum card_proof proof)
{
	struct domain domain;
	struct view canonical;

	if (proof <= CARD_PROOF_NONE || proof >= CARD_PROOF_N ||
		(needs_certificate(proof) && !has_certificate(c)))
		return -EINVAL;
	if (domain_canonical(name, &domain) < 0)
		return -EINVAL;
	canonical = view_of(domain.text, domain.len);
	if (card_names(c, canonical))
		return 0;
	if (c->n_names == CARD_NAMES_MAX ||
		canonical.len > (size_t)(CARD_TEXT_BYTES - c->text_bytes)) {
		c->n_left_out =
			(uint8_t)(c->n_left_out < UINT8_MAX ? c->n_left_out + 1 : UINT8_MAX);
		return -ENOSPC;
	}
	c->proofs[c->n_names] = (uint8_t)proof;
	c->names[c->n_names] = add_text(c, canonical, canonical.len);
	c->n_names++;
	return 0;
}

// The texts follow one another without gaps: *end is where the next one starts.
static bool lies_next(const struct card *c, struct card_text text, uint32_t *end)
{
	if (text.offset != *end || text.len > c->text_bytes - *end)
		return false;
	*end += text.len;
	return true;
}

static bool is_text(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (!printable(v.at[i]))
			return false;
	}
	return true;
}

static bool is_hex(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.at[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

static const char *check_certificate(const struct card *c, uint32_t *end)
{
	if (!lies_next(c, c->subject, end) || !is_text(card_view(c, c->subject)))
		return "card: subject";
	if (!lies_next(c, c->issuer, end) || !is_text(card_view(c, c->issuer)))
		return "card: issuer";
	if (!lies_next(c, c->serial, end) || !is_hex(card_view(c, c->serial)))
		return "card: serial number";
	if (c->trusted > 1 || (c->trusted == 1 && !has_certificate(c)))
		return "card: trust without a certificate";
	if (c->usages > CARD_USAGES_ALL || (c->usages != 0 && !has_certificate(c)))
		return "card: usages";
	return NULL;
}

static bool is_canonical(struct view name)
{
	struct domain domain;

	return domain_canonical(name, &domain) == 0 &&
		view_equal(name, view_of(domain.text, domain.len));
}

static const char *check_name(const struct card *c, unsigned i, uint32_t *end)
{
	struct view name;

	if (!lies_next(c, c->names[i], end))
		return "card: a name's place";
	name = card_view(c, c->names[i]);
	if (!is_canonical(name))
		return "card: a name that is not canonical";
	for (unsigned before = 0; before < i; before++) {
		if (view_equal(card_view(c, c->names[before]), name))
			return "card: a name twice";
	}
	if (c->proofs[i] == CARD_PROOF_NONE || c->proofs[i] >= CARD_PROOF_N)
		return "card: unknown proof of a name";
	if (needs_certificate(c->proofs[i]) && !has_certificate(c))
		return "card: proof without a certificate";
	return NULL;
}

const char *card_check(const struct card *c)
{
	uint32_t end = 0;
	const char *error;

	if (!all_zero(c->zero, sizeof(c->zero)))
		return "card: nonzero padding";
	if (c->n_names > CARD_NAMES_MAX)
		return "card: number of names";
	if (c->text_bytes > CARD_TEXT_BYTES)
		return "card: size of its text";
	error = check_certificate(c, &end);
	for (unsigned i = 0; i < c->n_names && error == NULL; i++)
		error = check_name(c, i, &end);
	if (error != NULL)
		return error;
	for (unsigned i = c->n_names; i < CARD_NAMES_MAX; i++) {
		if (c->names[i].offset != 0 || c->names[i].len != 0 || c->proofs[i] != 0)
			return "card: more names than it has";
	}
	if (c->n_left_out > 0 && c->n_names == 0)
		return "card: names left out, though there is room";
	if (end != c->text_bytes || !all_zero(c->text + end, sizeof(c->text) - end))
		return "card: text of nothing";
	return NULL;
}
