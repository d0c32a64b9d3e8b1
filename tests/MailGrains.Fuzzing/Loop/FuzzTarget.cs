namespace MailGrains.Fuzzing.Loop;

/// <summary>Something that takes octets, and what inputs for it are made of.</summary>
/// <param name="Seeds">Inputs that reach far.</param>
/// <param name="Words">Scraps that a mutation may put anywhere.</param>
/// <param name="Run">Throws when something is wrong, whatever the exception.</param>
public sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Seeds, IReadOnlyList<byte[]> Words, Action<byte[]> Run);
