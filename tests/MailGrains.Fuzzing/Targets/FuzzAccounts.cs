using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Fuzzing.Targets;

/// <summary>
/// Every password is right that is <c>secret</c>, every proof and token of an even length; the names <c>disabled</c>, <c>locked</c> and <c>away</c> have their
/// own answers. It watches that what it is given is what a mechanism may hold.
/// </summary>
internal sealed class FuzzAccounts : ISaslBackend
{
    public ValueTask<SaslResult> CheckPasswordAsync(PlainCredentials credentials, CancellationToken cancellationToken)
    {
        Check.That(credentials.AuthenticationId.Length > 0 && credentials.Password.Length > 0, "an empty name or password");
        Check.That(!$"{credentials.AuthenticationId}{credentials.AuthorizationId}{credentials.Password}".Contains('\0', StringComparison.Ordinal), "NUL in credentials");
        return new(Answer(credentials.AuthenticationId, credentials.Password == "secret"));
    }

    public ValueTask<ScramChallenge> BeginScramAsync(ScramHash hash, string user, CancellationToken cancellationToken)
    {
        Check.That(user.Length > 0, "an empty name");
        return new(new ScramChallenge(new byte[16], 4_096));
    }

    public ValueTask<ScramResult> FinishScramAsync(ScramProof proof, CancellationToken cancellationToken)
    {
        Check.That(proof.User.Length > 0 && proof.AuthMessage.Length > 0, "a proof of nothing");
        return new(new ScramResult(Answer(proof.User, proof.ClientProof.Length % 2 == 0), new byte[ScramSecret.BytesOf(proof.Hash)]));
    }

    public ValueTask<SaslResult> CheckTokenAsync(BearerCredentials credentials, CancellationToken cancellationToken)
    {
        Check.That(credentials.Token.Length > 0 && !credentials.Token.Any(char.IsControl), "an empty token, or one that is none");
        return new(Answer(credentials.User, credentials.Token.Length % 2 == 0));
    }

    private static SaslResult Answer(string user, bool isRight) => user switch
    {
        "disabled" => SaslResult.Refuse(SaslStatus.Disabled),
        "locked" => SaslResult.Refuse(SaslStatus.Locked, "until tomorrow\r\n250 no"),
        "away" => SaslResult.Refuse(SaslStatus.Unavailable),
        _ => isRight ? SaslResult.Accept(new SaslIdentity(user)) : SaslResult.Refuse(SaslStatus.BadCredentials),
    };
}
