using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Protocols.Sasl.Client;

/// <summary>
/// SCRAM (RFC 5802, RFC 7677) without channel binding. The server gets no password, and no success is believed before its signature has shown that it
/// knows one.
/// </summary>
internal sealed class ScramClientExchange(ScramHash hash, PlainCredentials credentials, string nonce) : SaslClientExchange
{
    /// <summary>RFC 7677 §4; fewer would let whoever asks us guess the password cheaply.</summary>
    private const int MinIterations = 4_096;

    /// <summary>Some tenths of a second: what a server may make us work for.</summary>
    private const int MaxIterations = 1_000_000;
    private const int MaxSaltBytes = 256;

    /// <summary>We can't bind the channel, and say so (RFC 5802 §6).</summary>
    private const string Header = "n,,";

    private readonly string _bareFirst = $"n={Escape(credentials.AuthenticationId)},r={nonce}";
    private byte[]? _serverSignature;
    private bool _isServerProven;

    public ScramClientExchange(ScramHash hash, PlainCredentials credentials)
        : this(hash, credentials, Convert.ToBase64String(RandomNumberGenerator.GetBytes(24)))
    {
    }

    public override byte[] InitialResponse => Encoding.UTF8.GetBytes(Header + _bareFirst);

    public override bool IsServerProven => _isServerProven;

    public override byte[]? Respond(ReadOnlySpan<byte> challenge)
    {
        if (_serverSignature is null)
        {
            return Prove(challenge);
        }

        var signature = ScramServerFinal.Decode(challenge);
        if (_isServerProven || signature is null || !CryptographicOperations.FixedTimeEquals(signature, _serverSignature))
        {
            return null;
        }

        _isServerProven = true;
        return [];
    }

    private byte[]? Prove(ReadOnlySpan<byte> challenge)
    {
        // RFC 5802 §5.1: the server's nonce goes on where ours ends.
        if (ScramServerFirst.Decode(challenge) is not { Salt.Length: > 0 and <= MaxSaltBytes, Iterations: >= MinIterations and <= MaxIterations } first
            || first.Nonce.Length <= nonce.Length || !first.Nonce.StartsWith(nonce, StringComparison.Ordinal))
        {
            return null;
        }

        var bareFinal = $"c={Convert.ToBase64String(Encoding.ASCII.GetBytes(Header))},r={first.Nonce}";
        byte[] authMessage = [.. Encoding.UTF8.GetBytes(_bareFirst), (byte)',', .. challenge, (byte)',', .. Encoding.UTF8.GetBytes(bareFinal)];
        var (secret, clientKey) = ScramSecret.DeriveWithClientKey(hash, credentials.Password, first.Salt, (int)first.Iterations);
        _serverSignature = secret.Sign(authMessage);
        return Encoding.UTF8.GetBytes($"{bareFinal},p={Convert.ToBase64String(secret.Prove(clientKey, authMessage))}");
    }

    /// <summary>saslname (RFC 5802 §7).</summary>
    private static string Escape(string name) => name.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);
}
