using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Tests.Pop3;

/// <summary>A backend and its maildrop that do as the test says.</summary>
public sealed class ScriptedMaildrop : IPop3Backend, IPop3Maildrop
{
    public Func<PlainCredentials, Pop3Login>? Login { get; init; }

    public Func<int, Stream?> Open { get; init; } = _ => Stream.Null;

    public Func<IReadOnlyList<int>, bool> Delete { get; init; } = _ => true;

    public List<Exception> Failures { get; } = [];

    public int Disposals { get; private set; }

    public int Count { get; init; } = 3;

    public long Octets(int index) => 10;

    public string UniqueId(int index) => $"id{index}";

    public ValueTask<Pop3Login> LoginAsync(PlainCredentials credentials, CancellationToken cancellationToken) =>
        new(Login is null ? Pop3Login.Accept(this) : Login(credentials));

    public ValueTask<Stream?> OpenAsync(int index, CancellationToken cancellationToken) => new(Open(index));

    public ValueTask<bool> DeleteAsync(IReadOnlyList<int> indexes, CancellationToken cancellationToken) => new(Delete(indexes));

    public void Failed(Exception failure) => Failures.Add(failure);

    public ValueTask DisposeAsync()
    {
        Disposals++;
        return default;
    }
}
