namespace MailGrains.Web;

/// <summary>What the operator's side of the web host is told; immutable.</summary>
public sealed record AdminOptions
{
    private readonly string _apiKey = "";

    /// <summary>The operator's key. The host makes one of 256 random bits where none is configured.</summary>
    public required string ApiKey
    {
        get => _apiKey;
        init => _apiKey = !string.IsNullOrWhiteSpace(value) ? value : throw new ArgumentException("The admin key is empty.", nameof(value));
    }

    /// <summary>Wrong keys that an address may present before it is not listened to for a while …</summary>
    public int MaxFailures { get; init; } = 10;

    /// <summary>… and the time in which one of them is forgiven.</summary>
    public TimeSpan FailureForgivenAfter { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Keeps the key out of logs.</summary>
    public override string ToString() => nameof(AdminOptions);
}
