// SPDX-License-Identifier: BSD-3-Clause
// Arbitrary bytes as a certificate: whatever OpenSSL takes for one must give a card that keeps its
// rules, with names that the certificate proves, and none by a wildcard.

#include "control/tls/eku.h"
#include "control/tls/identity.h"

#include <openssl/err.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_names(X509 *certificate, const struct card *card, enum tls_cn cn)
{
	for (unsigned i = 0; i < card->n_names; i++) {
		struct view name = card_view(card, card->names[i]);
		enum card_proof proof;
		struct domain domain;

		must(domain_canonical(name, &domain) == 0);
		must(memchr(name.at, '*', name.len) == NULL);
		must(tls_identity_proves(certificate, cn, TLS_MATCH_HOST, &domain, &proof) ==
			TLS_REFUSAL_none);
		must(card->proofs[i] == proof);
		// What the card lets speak for a domain does so by the certificate.
		must(card_name_is_domain(card, i) ==
			(tls_identity_proves(certificate, cn, TLS_MATCH_DOMAIN, &domain, &proof) ==
				TLS_REFUSAL_none));
	}
}

static void check(X509 *certificate, enum tls_cn cn)
{
	static struct domain stranger;
	enum tls_refusal refusal;
	enum card_proof proof;
	struct card card;

	if (stranger.len == 0)
		must(domain_canonical(VIEW("a.stranger.example"), &stranger) == 0);
	refusal = tls_identity_card(certificate, cn, NULL, &card);
	must(card_check(&card) == NULL);
	must(card.trusted == 0 && (refusal == TLS_REFUSAL_none) == (card.n_names > 0));
	check_names(certificate, &card, cn);
	tls_identity_proves(certificate, cn, TLS_MATCH_DOMAIN, &stranger, &proof);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
	const unsigned char *at = bytes;
	X509 *certificate = d2i_X509(NULL, &at, (long)n_bytes);
	STACK_OF(X509) * chain;
	struct tls_eku_report report;

	ERR_clear_error();
	if (certificate == NULL)
		return 0;
	check(certificate, TLS_CN_WITHOUT_SAN);
	check(certificate, TLS_CN_NEVER);
	chain = sk_X509_new_null();
	sk_X509_push(chain, certificate);
	report = tls_eku_report(tls_eku_usages(chain));
	for (int peer = 0; peer < TLS_PEER_N; peer++)
		must(report.permits[TLS_EKU_IGNORE][peer]);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return 0;
}
