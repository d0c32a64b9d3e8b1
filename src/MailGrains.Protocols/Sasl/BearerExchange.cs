namespace MailGrains.Protocols.Sasl;

/// <summary>Takes a client's one message apart; null: malformed.</summary>
internal delegate BearerCredentials? BearerDecoder(ReadOnlySpan<byte> message);

/// <summary>
/// OAUTHBEARER (RFC 7628 §3) and XOAUTH2: the client shows a token in one message. A refused one is answered by a challenge in JSON that says why, and whatever
/// the client says to that ends the exchange.
/// </summary>
/// <param name="refusal">The JSON.</param>
internal sealed class BearerExchange(ISaslBackend backend, BearerDecoder decode, byte[] refusal) : SaslExchange
{
    /// <summary>In base64 and with names, a host and a port it fits into a line of 12,288 octets (RFC 4954 §4).</summary>
    public const int MaxTokenBytes = 8 << 10;

    private SaslResult? _refused;

    public override async ValueTask<SaslStep> NextAsync(byte[] response, CancellationToken cancellationToken)
    {
        // RFC 7628 §3.2.3: a dummy answer, then failure.
        if (_refused is not null)
        {
            return SaslStep.Finish(_refused);
        }

        if (decode(response) is not { } credentials)
        {
            return SaslStep.Malformed;
        }

        var result = await backend.CheckTokenAsync(credentials, cancellationToken);
        if (result.Status is SaslStatus.Accepted or SaslStatus.Unavailable)
        {
            return SaslStep.Finish(result);
        }

        _refused = result;
        return SaslStep.Ask(refusal);
    }
}
