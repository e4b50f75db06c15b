// SPDX-License-Identifier: BSD-3-Clause
// OpenSSL's errors in our words.

#include "control/tls/handshake_state.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

static const struct {
	int reason;
	enum tls_refusal refusal;
} reasons[] = {
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_REFUSAL_no_certificate},
	{SSL_R_NO_CERTIFICATES_RETURNED, TLS_REFUSAL_no_certificate},
	{SSL_R_HTTP_REQUEST, TLS_REFUSAL_not_tls},
	{SSL_R_HTTPS_PROXY_REQUEST, TLS_REFUSAL_not_tls},
	{SSL_R_UNSUPPORTED_PROTOCOL, TLS_REFUSAL_bad_version},
	{SSL_R_WRONG_SSL_VERSION, TLS_REFUSAL_bad_version},
	{SSL_R_WRONG_VERSION_NUMBER, TLS_REFUSAL_bad_version},
	{SSL_R_VERSION_TOO_LOW, TLS_REFUSAL_bad_version},
	{SSL_R_NO_PROTOCOLS_AVAILABLE, TLS_REFUSAL_bad_version},
	{SSL_R_NO_SHARED_CIPHER, TLS_REFUSAL_bad_suite},
	{SSL_R_NO_CIPHERS_AVAILABLE, TLS_REFUSAL_bad_suite},
	{SSL_R_UNKNOWN_CIPHER_RETURNED, TLS_REFUSAL_bad_suite},
	{SSL_R_WRONG_CIPHER_RETURNED, TLS_REFUSAL_bad_suite},
	{SSL_R_NO_SUITABLE_KEY_SHARE, TLS_REFUSAL_bad_group},
	{SSL_R_NO_SUITABLE_GROUPS, TLS_REFUSAL_bad_group},
	{SSL_R_BAD_KEY_SHARE, TLS_REFUSAL_bad_group},
	{SSL_R_WRONG_CURVE, TLS_REFUSAL_bad_group},
	{SSL_R_NO_SHARED_GROUPS, TLS_REFUSAL_bad_group},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_REFUSAL_bad_signature_algorithm},
	{SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_REFUSAL_bad_signature_algorithm},
	{SSL_R_WRONG_SIGNATURE_TYPE, TLS_REFUSAL_bad_signature_algorithm},
	{SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, TLS_REFUSAL_bad_record},
	{SSL_R_DIGEST_CHECK_FAILED, TLS_REFUSAL_bad_record},
	{SSL_R_BAD_SIGNATURE, TLS_REFUSAL_bad_proof},
	{SSL_R_EXCESSIVE_MESSAGE_SIZE, TLS_REFUSAL_too_many_bytes},
	{SSL_R_DATA_LENGTH_TOO_LONG, TLS_REFUSAL_record_malformed},
	{SSL_R_ENCRYPTED_LENGTH_TOO_LONG, TLS_REFUSAL_record_malformed},
	{SSL_R_PACKET_LENGTH_TOO_LONG, TLS_REFUSAL_record_malformed},
	{SSL_R_RECORD_TOO_SMALL, TLS_REFUSAL_record_malformed},
	{SSL_R_LENGTH_TOO_SHORT, TLS_REFUSAL_record_malformed},
	{SSL_R_NO_CERTIFICATE_SET, TLS_REFUSAL_no_such_certificate},
	{SSL_R_UNKNOWN_CERTIFICATE_TYPE, TLS_REFUSAL_bad_certificate},
	{SSL_R_UNABLE_TO_FIND_PUBLIC_KEY_PARAMETERS, TLS_REFUSAL_bad_certificate},
};

static enum tls_refusal refusal_of_reason(int reason)
{
	// What the peer's alerts are called.
	if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
		return tls_refusal_of_alert((uint8_t)(reason - SSL_AD_REASON_OFFSET));
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].reason == reason)
			return reasons[i].refusal;
	}
	return TLS_REFUSAL_protocol;
}

enum tls_refusal tls_failure(const SSL *ssl, int ssl_error, char detail[DETAIL_BYTES])
{
	// The first of the queue is the cause, the others what came of it.
	unsigned long error = ERR_peek_error();
	const char *text = ERR_reason_error_string(error);
	int lib = ERR_GET_LIB(error);

	snprintf(detail, DETAIL_BYTES, "%s", text != NULL ? text : "");
	ERR_clear_error();
	if (ssl_error == SSL_ERROR_ZERO_RETURN ||
		(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0) {
		if (error == 0)
			return TLS_REFUSAL_peer_alert_close_notify;
	}
	if (lib == ERR_LIB_ASN1 || lib == ERR_LIB_X509 || lib == ERR_LIB_X509V3)
		return TLS_REFUSAL_bad_certificate;
	if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
		return TLS_REFUSAL_internal;
	return lib == ERR_LIB_SSL ? refusal_of_reason(ERR_GET_REASON(error)) : TLS_REFUSAL_protocol;
}
