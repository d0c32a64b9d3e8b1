using System.Diagnostics.CodeAnalysis;
using Orleans;

namespace MailGrains.Testing.Orleans;

/// <summary>A grain's state as the runtime hands it to a grain storage.</summary>
public sealed class StoredState<T>(T state, string? etag = null) : IGrainState<T>
{
    [AllowNull]
    public T State { get; set; } = state;

    public string? ETag { get; set; } = etag;

    public bool RecordExists { get; set; }
}

[GenerateSerializer]
[Alias("mailgrains.test.settings")]
public sealed class Settings
{
    [Id(0)]
    public string Name { get; set; } = "";

    [Id(1)]
    public byte[] Data { get; set; } = [];
}
