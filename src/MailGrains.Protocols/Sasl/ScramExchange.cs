using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Protocols.Sasl;

/// <summary>
/// SCRAM (RFC 5802), with SHA-1 or SHA-256 (RFC 7677), bound to the TLS channel by its certificate (RFC 5929 §4) or not. The password never crosses, and
/// the backend alone knows the secret: it is asked for salt and iterations, then whether the proof is right, for unknown names too, so those cost the same.
/// </summary>
internal sealed class ScramExchange(
    ScramHash hash, bool isBound, ReadOnlyMemory<byte> endPointBinding, ISaslBackend backend, Func<string> makeNonce) : SaslExchange
{
    public const int ServerNonceChars = 32;

    private const string EndPoint = "tls-server-end-point";

    /// <summary>RFC 7677 §4 says 4,096 at least; more than the upper bound, and clients give up.</summary>
    private const int MinIterations = 4_096;
    private const int MaxIterations = 10_000_000;
    private const int MaxSaltBytes = 256;

    private ScramClientFirst? _first;
    private byte[] _expectedBinding = [];
    private string _nonce = "";

    /// <summary>client-first-message-bare and server-first-message, each with a comma behind it.</summary>
    private byte[] _said = [];
    private SaslResult? _accepted;

    public ScramExchange(ScramHash hash, bool isBound, SaslPolicy policy, ISaslBackend backend)
        : this(hash, isBound, policy.EndPointBinding, backend, MakeNonce)
    {
    }

    public override ValueTask<SaslStep> NextAsync(byte[] response, CancellationToken cancellationToken)
    {
        if (_accepted is not null)
        {
            // What the client says to the server's signature: nothing.
            return new(response.Length == 0 ? SaslStep.Finish(_accepted) : SaslStep.Malformed);
        }

        return _first is null ? BeginAsync(response, cancellationToken) : FinishAsync(response, _first, cancellationToken);
    }

    private static string MakeNonce() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(ServerNonceChars / 4 * 3));

    private async ValueTask<SaslStep> BeginAsync(byte[] message, CancellationToken cancellationToken)
    {
        var first = ScramClientFirst.Decode(message);
        if (first is null)
        {
            return SaslStep.Malformed;
        }

        if (!IsFlagRight(first.Header))
        {
            return SaslStep.Finish(SaslResult.Refuse(SaslStatus.BadCredentials));
        }

        var challenge = await backend.BeginScramAsync(hash, first.User, cancellationToken);
        if (challenge.Iterations is < MinIterations or > MaxIterations || challenge.Salt.Length is 0 or > MaxSaltBytes)
        {
            throw new InvalidOperationException($"a SCRAM secret of {challenge.Iterations} iterations and {challenge.Salt.Length} octets of salt");
        }

        _nonce = first.Nonce + makeNonce();
        var serverFirst = Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"r={_nonce},s={Convert.ToBase64String(challenge.Salt)},i={challenge.Iterations}"));

        // RFC 5802 §5.1: c= repeats the GS2 header, so that nobody on the way can have changed it, and holds the binding.
        _expectedBinding = [.. message[..first.HeaderBytes], .. isBound ? endPointBinding.Span : default];
        _said = [.. message[first.HeaderBytes..], (byte)',', .. serverFirst, (byte)','];
        _first = first;
        return SaslStep.Ask(serverFirst);
    }

    /// <summary>
    /// RFC 5802 §6: with -PLUS the client binds, and without it does not. "y" while -PLUS is offered: somebody on the way has hidden it from the client.
    /// </summary>
    private bool IsFlagRight(Gs2Header header) => header.Flag switch
    {
        (byte)'p' => isBound && header.BindingName == EndPoint,
        (byte)'y' => !isBound && endPointBinding.IsEmpty,
        _ => !isBound,
    };

    private async ValueTask<SaslStep> FinishAsync(byte[] message, ScramClientFirst first, CancellationToken cancellationToken)
    {
        var final = ScramClientFinal.Decode(message);
        if (final is null || final.Proof.Length != ScramSecret.BytesOf(hash))
        {
            return SaslStep.Malformed;
        }

        // Another nonce is a message that was said before; another binding belongs to another connection.
        if (final.Nonce != _nonce || !final.Binding.AsSpan().SequenceEqual(_expectedBinding))
        {
            return SaslStep.Finish(SaslResult.Refuse(SaslStatus.BadCredentials));
        }

        byte[] authMessage = [.. _said, .. message[..final.BareBytes]];
        var (result, serverSignature) = await backend.FinishScramAsync(
            new(hash, first.User, first.Header.AuthorizationId, authMessage, final.Proof), cancellationToken);
        if (result.Status != SaslStatus.Accepted)
        {
            return SaslStep.Finish(result);
        }

        _accepted = result;
        return SaslStep.Ask(Encoding.ASCII.GetBytes($"v={Convert.ToBase64String(serverSignature)}"));
    }
}
