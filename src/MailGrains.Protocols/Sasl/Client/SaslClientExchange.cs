using System.Text;

namespace MailGrains.Protocols.Sasl.Client;

/// <summary>The client's side of one authentication (RFC 4422 §3), of any protocol; it knows nothing of base64.</summary>
internal abstract class SaslClientExchange
{
    /// <summary>What goes with the command; null: the server speaks first.</summary>
    public virtual byte[]? InitialResponse => null;

    /// <summary>The server has shown what the mechanism wants it to show; without that its success is none.</summary>
    public virtual bool IsServerProven => true;

    /// <summary>Null: the server did not say what it should have, and the authentication is to be given up.</summary>
    public abstract byte[]? Respond(ReadOnlySpan<byte> challenge);
}

/// <summary>The mechanisms that we log in by, the best first.</summary>
internal static class SaslClientMechanisms
{
    private static readonly (string Name, Func<PlainCredentials, SaslClientExchange> Begin)[] Rows =
    [
        ("SCRAM-SHA-256", credentials => new ScramClientExchange(ScramHash.Sha256, credentials)),
        ("SCRAM-SHA-1", credentials => new ScramClientExchange(ScramHash.Sha1, credentials)),
        ("PLAIN", credentials => new PlainClientExchange(credentials)),
        ("LOGIN", credentials => new LoginClientExchange(credentials)),
    ];

    /// <summary>Those that the server offers too.</summary>
    public static IEnumerable<(string Name, Func<PlainCredentials, SaslClientExchange> Begin)> In(IReadOnlyList<string> offered) =>
        Rows.Where(row => offered.Contains(row.Name, StringComparer.OrdinalIgnoreCase));

    /// <summary>What every mechanism can carry.</summary>
    public static bool Carry(PlainCredentials credentials) =>
        IsPart(credentials.AuthenticationId) && IsPart(credentials.Password) && credentials.AuthorizationId.Length == 0;

    private static bool IsPart(string part) =>
        part.Length > 0 && Encoding.UTF8.GetByteCount(part) <= PlainExchange.MaxPartBytes && !part.Contains('\0', StringComparison.Ordinal);
}

/// <summary>RFC 4616 §2.</summary>
internal sealed class PlainClientExchange(PlainCredentials credentials) : SaslClientExchange
{
    public override byte[] InitialResponse => Encoding.UTF8.GetBytes($"\0{credentials.AuthenticationId}\0{credentials.Password}");

    public override byte[]? Respond(ReadOnlySpan<byte> challenge) => null;
}

/// <summary>LOGIN: two questions, whose words nobody has fixed.</summary>
internal sealed class LoginClientExchange(PlainCredentials credentials) : SaslClientExchange
{
    private int _asked;

    public override byte[]? Respond(ReadOnlySpan<byte> challenge) => ++_asked switch
    {
        1 => Encoding.UTF8.GetBytes(credentials.AuthenticationId),
        2 => Encoding.UTF8.GetBytes(credentials.Password),
        _ => null,
    };
}
