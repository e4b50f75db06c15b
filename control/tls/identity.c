// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/identity.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#define SCHEME       "sip:"
#define SCHEME_BYTES (sizeof(SCHEME) - 1)

// One name of a certificate as it is written there.
struct found {
	struct view text;
	enum card_proof proof;
};

// Walks over the names of a certificate.
struct names {
	GENERAL_NAMES *sans;
	bool has_san; // also one that cannot be read
	bool has_uri; // of those that are a SIP domain
};

static struct view string_view(const ASN1_STRING *s)
{
	return view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool is_ascii(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.at[i] <= ' ' || v.at[i] > '~')
			return false;
	}
	return v.len > 0;
}

static bool is_wildcard(struct view text)
{
	return text.len > 0 && memchr(text.at, '*', text.len) != NULL;
}

// The domain of a SIP URI that is nothing but a domain: no user, port or parameters.
static bool uri_domain(struct view uri, struct view *domain)
{
	if (uri.len <= SCHEME_BYTES ||
		!view_equal_nocase(view_of(uri.at, SCHEME_BYTES), VIEW(SCHEME)))
		return false;
	*domain = view_of(uri.at + SCHEME_BYTES, uri.len - SCHEME_BYTES);
	return memchr(domain->at, '@', domain->len) == NULL;
}

static bool san_found(const GENERAL_NAME *name, struct found *out)
{
	if (name->type == GEN_URI && uri_domain(string_view(name->d.ia5), &out->text))
		out->proof = CARD_SAN_URI;
	else if (name->type == GEN_DNS)
		*out = (struct found){string_view(name->d.ia5), CARD_SAN_DNS};
	else
		return false;
	return is_ascii(out->text);
}

static void names_init(struct names *n, const X509 *certificate)
{
	struct domain domain;
	int critical;

	n->sans = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
	n->has_san = critical != -1;
	n->has_uri = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(n->sans); i++) {
		struct found f;

		n->has_uri |= san_found(sk_GENERAL_NAME_value(n->sans, i), &f) &&
			f.proof == CARD_SAN_URI && domain_canonical(f.text, &domain) == 0;
	}
}

static void names_fini(struct names *n)
{
	GENERAL_NAMES_free(n->sans);
}

// The most specific common name, which is the last. *utf8 is to be freed.
static bool common_name(const X509 *certificate, unsigned char **utf8, struct view *text)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int last = -1, len;

	for (int at; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, last)) >= 0;)
		last = at;
	if (last < 0)
		return false;
	len = ASN1_STRING_to_UTF8(
		utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
	if (len < 0)
		return false;
	*text = view_of(*utf8, (size_t)len);
	return is_ascii(*text);
}

// What is seen on the way, to say why there was no name.
struct seen {
	bool wildcard, cn;
};

static enum tls_refusal refusal_of(const struct seen *seen, enum tls_refusal otherwise)
{
	if (seen->wildcard)
		return TLS_REFUSAL_wildcard;
	return seen->cn ? TLS_REFUSAL_cn_only : otherwise;
}

void tls_name_text(const X509_NAME *name, char *text, size_t n_bytes)
{
	// RFC 2253's form escapes what is not printable ASCII; RFC 4514 reads it the same.
	BIO *out = BIO_new(BIO_s_mem());
	char *written = NULL;
	size_t n = 0;

	if (out != NULL && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0) {
		long len = BIO_get_mem_data(out, &written);

		n = len > 0 ? (size_t)len : 0;
	}
	n = n < n_bytes ? n : n_bytes - 1;
	if (n > 0)
		memcpy(text, written, n);
	text[n] = '\0';
	BIO_free(out);
}

// The serial number's bytes as hex; its sign is no part of a serial number.
static void serial_text(const X509 *certificate, char text[CARD_SERIAL_BYTES_MAX + 1])
{
	static const char digits[] = "0123456789abcdef";
	struct view serial = string_view(X509_get0_serialNumber(certificate));
	size_t n = 0;

	for (size_t i = 0; i < serial.len && n < CARD_SERIAL_BYTES_MAX; i++) {
		text[n++] = digits[serial.at[i] >> 4];
		text[n++] = digits[serial.at[i] & 15];
	}
	text[n] = '\0';
}

void tls_fingerprint(X509 *certificate, uint8_t fingerprint[CARD_FINGERPRINT_BYTES])
{
	unsigned n;

	if (X509_digest(certificate, EVP_sha256(), fingerprint, &n) != 1)
		memset(fingerprint, 0, CARD_FINGERPRINT_BYTES);
}

static void start_card(X509 *certificate, struct card *card)
{
	char subject[CARD_SUBJECT_BYTES_MAX + 1], issuer[CARD_ISSUER_BYTES_MAX + 1];
	char serial[CARD_SERIAL_BYTES_MAX + 1];
	uint8_t fingerprint[CARD_FINGERPRINT_BYTES];

	tls_fingerprint(certificate, fingerprint);
	tls_name_text(X509_get_subject_name(certificate), subject, sizeof(subject));
	tls_name_text(X509_get_issuer_name(certificate), issuer, sizeof(issuer));
	serial_text(certificate, serial);
	card_init(
		card, fingerprint, view_string(subject), view_string(issuer), view_string(serial));
}

// Those among first, NULL: all; while the card has less than n_max.
static void add_sans(const struct names *n, enum card_proof proof, const struct tls_names *first,
	unsigned n_max, struct card *card)
{
	struct found f;

	for (int i = 0; i < sk_GENERAL_NAME_num(n->sans) && card->n_names < n_max; i++) {
		if (san_found(sk_GENERAL_NAME_value(n->sans, i), &f) && f.proof == proof &&
			!is_wildcard(f.text) && (first == NULL || tls_names_have(first, f.text)))
			card_add_name(card, f.text, f.proof);
	}
}

static bool has_wildcard(const struct names *n)
{
	struct found f;

	for (int i = 0; i < sk_GENERAL_NAME_num(n->sans); i++) {
		if (san_found(sk_GENERAL_NAME_value(n->sans, i), &f) && is_wildcard(f.text))
			return true;
	}
	return false;
}

static void add_all_sans(const struct names *n, const struct tls_names *first, struct card *card)
{
	if (first != NULL) {
		add_sans(n, CARD_SAN_URI, first, CARD_NAMES_MAX, card);
		// That there is one says what its dNSNames are.
		add_sans(n, CARD_SAN_URI, NULL, 1, card);
		add_sans(n, CARD_SAN_DNS, first, CARD_NAMES_MAX, card);
		card->n_left_out = 0;
	}
	add_sans(n, CARD_SAN_URI, NULL, UINT_MAX, card);
	add_sans(n, CARD_SAN_DNS, NULL, UINT_MAX, card);
}

enum tls_refusal tls_identity_card(
	X509 *certificate, enum tls_cn cn, const struct tls_names *first, struct card *card)
{
	struct seen seen = {false, false};
	unsigned char *utf8 = NULL;
	struct names names;
	struct view text;

	start_card(certificate, card);
	names_init(&names, certificate);
	add_all_sans(&names, first, card);
	seen.wildcard = has_wildcard(&names);
	if (card->n_names == 0 && common_name(certificate, &utf8, &text)) {
		seen.wildcard |= is_wildcard(text);
		// Not every common name means to be a domain.
		seen.cn = memchr(text.at, '.', text.len) != NULL;
		if (!names.has_san && cn == TLS_CN_WITHOUT_SAN && !is_wildcard(text))
			card_add_name(card, text, CARD_CN);
	}
	names_fini(&names);
	OPENSSL_free(utf8);
	return card->n_names > 0 ? TLS_REFUSAL_none : refusal_of(&seen, TLS_REFUSAL_no_name);
}

void tls_identity_each(
	const X509 *certificate, void (*each)(void *arg, struct view name), void *arg)
{
	struct names names;
	struct found f;

	names_init(&names, certificate);
	for (int i = 0; i < sk_GENERAL_NAME_num(names.sans); i++) {
		if (san_found(sk_GENERAL_NAME_value(names.sans, i), &f) && !is_wildcard(f.text))
			each(arg, f.text);
	}
	names_fini(&names);
}

static bool equals(struct view text, const struct domain *name)
{
	struct domain domain;

	return domain_canonical(text, &domain) == 0 &&
		view_equal(view_of(domain.text, domain.len), view_of(name->text, name->len));
}

// Whether *.rest covers the name, as others than SIP would have it: its first label is left out.
static bool wildcard_covers(struct view text, const struct domain *name)
{
	const uint8_t *dot = memchr(name->text, '.', name->len);
	struct domain rest;
	size_t n_label;

	if (dot == NULL || text.len < 3 || text.at[0] != '*' || text.at[1] != '.')
		return false;
	n_label = (size_t)(dot - name->text) + 1;
	if (domain_canonical(view_of(name->text + n_label, name->len - n_label), &rest) < 0)
		return false;
	return equals(view_of(text.at + 2, text.len - 2), &rest);
}

// A URI outdoes a dNSName of the same name. CARD_PROOF_NONE: none proves it.
static enum card_proof sans_prove(
	const struct names *n, enum tls_match match, const struct domain *name, struct seen *seen)
{
	enum card_proof proof = CARD_PROOF_NONE;
	struct found f;

	for (int i = 0; i < sk_GENERAL_NAME_num(n->sans); i++) {
		if (!san_found(sk_GENERAL_NAME_value(n->sans, i), &f))
			continue;
		if (is_wildcard(f.text))
			seen->wildcard |= wildcard_covers(f.text, name);
		else if (match == TLS_MATCH_DOMAIN && n->has_uri && f.proof != CARD_SAN_URI)
			continue;
		else if (proof != CARD_SAN_URI && equals(f.text, name))
			proof = f.proof;
	}
	return proof;
}

enum tls_refusal tls_identity_proves(X509 *certificate, enum tls_cn cn, enum tls_match match,
	const struct domain *name, enum card_proof *proof)
{
	struct seen seen = {false, false};
	unsigned char *utf8 = NULL;
	struct names names;
	struct view text;

	names_init(&names, certificate);
	*proof = sans_prove(&names, match, name, &seen);
	if (*proof == CARD_PROOF_NONE && common_name(certificate, &utf8, &text)) {
		seen.wildcard |= wildcard_covers(text, name);
		seen.cn = equals(text, name);
		if (seen.cn && !names.has_san && cn == TLS_CN_WITHOUT_SAN)
			*proof = CARD_CN;
	}
	names_fini(&names);
	OPENSSL_free(utf8);
	return *proof != CARD_PROOF_NONE ? TLS_REFUSAL_none
					 : refusal_of(&seen, TLS_REFUSAL_wrong_name);
}
