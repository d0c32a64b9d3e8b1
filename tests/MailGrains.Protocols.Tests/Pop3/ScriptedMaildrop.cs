using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Tests.Pop3;

/// <summary>A backend and its maildrop that do as the test says.</summary>
public sealed class ScriptedMaildrop : IPop3Backend, ISaslBackend, IPop3Maildrop
{
    public Func<PlainCredentials, SaslResult>? Login { get; init; }

    public Func<int, Stream?> Open { get; init; } = _ => Stream.Null;

    public Func<IReadOnlyList<int>, bool> Delete { get; init; } = _ => true;

    public bool OpensMaildrop { get; init; } = true;

    public List<Exception> Failures { get; } = [];

    public int Disposals { get; private set; }

    public int Count { get; init; } = 3;

    public long Octets(int index) => 10;

    public string UniqueId(int index) => $"id{index}";

    public ValueTask<SaslResult> CheckPasswordAsync(PlainCredentials credentials, CancellationToken cancellationToken) =>
        new(Login is null ? SaslResult.Accept(new SaslIdentity(credentials.AuthenticationId)) : Login(credentials));

    public ValueTask<ScramChallenge> BeginScramAsync(ScramHash hash, string user, CancellationToken cancellationToken) => throw new TimeoutException();

    public ValueTask<ScramResult> FinishScramAsync(ScramProof proof, CancellationToken cancellationToken) => throw new TimeoutException();

    public ValueTask<SaslResult> CheckTokenAsync(BearerCredentials credentials, CancellationToken cancellationToken) => throw new TimeoutException();

    public ValueTask<IPop3Maildrop?> OpenMaildropAsync(SaslIdentity identity, CancellationToken cancellationToken) => new(OpensMaildrop ? this : null);

    public ValueTask<Stream?> OpenAsync(int index, CancellationToken cancellationToken) => new(Open(index));

    public ValueTask<bool> DeleteAsync(IReadOnlyList<int> indexes, CancellationToken cancellationToken) => new(Delete(indexes));

    public void Failed(Exception failure) => Failures.Add(failure);

    public ValueTask DisposeAsync()
    {
        Disposals++;
        return default;
    }
}
