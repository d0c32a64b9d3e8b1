namespace MailGrains.Protocols.Sasl;

/// <summary>One mechanism's side of a conversation; not called again once it has not answered with a challenge.</summary>
internal abstract class SaslExchange
{
    public virtual ReadOnlyMemory<byte> FirstChallenge => default;

    public abstract ValueTask<SaslStep> NextAsync(byte[] response, CancellationToken cancellationToken);
}
