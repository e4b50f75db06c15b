// SPDX-License-Identifier: BSD-3-Clause

#include "lib/record/crypto.h"

#include "lib/record/provider.h"

#include <errno.h>

#define N_KEYS_MAX (1U << 20)

static struct record_crypto *create(enum record_provider provider, uint32_t n_keys)
{
	struct record_crypto *c;

	switch (provider) {
	case RECORD_PROVIDER_BEST:
		c = record_ipsec_mb_new(n_keys, RECORD_ISA_BEST);
		return c != NULL || errno != ENOTSUP ? c : record_evp_new();
	case RECORD_PROVIDER_IPSEC_MB:
		return record_ipsec_mb_new(n_keys, RECORD_ISA_BEST);
	case RECORD_PROVIDER_EVP:
		return record_evp_new();
	}
	errno = EINVAL;
	return NULL;
}

struct record_crypto *record_crypto_new(const struct record_crypto_config *config)
{
	uint32_t n_keys = config->n_keys;
	struct record_crypto *c;

	if (n_keys < RECORD_N_KEYS_MIN || n_keys > N_KEYS_MAX || (n_keys & (n_keys - 1)) != 0 ||
		config->key_records > RECORD_KEY_RECORDS) {
		errno = EINVAL;
		return NULL;
	}
	c = create(config->provider, n_keys);
	if (c != NULL)
		c->key_records = config->key_records > 0 ? config->key_records : RECORD_KEY_RECORDS;
	return c;
}

void record_crypto_free(struct record_crypto *c)
{
	if (c != NULL)
		c->free(c);
}

const char *record_crypto_name(const struct record_crypto *c)
{
	return c->name;
}
