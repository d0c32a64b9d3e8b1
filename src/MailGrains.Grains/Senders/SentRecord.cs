namespace MailGrains.Grains.Senders;

/// <summary>What a sender has sent, as it is stored; a later version adds members with numbers of their own.</summary>
[GenerateSerializer, Alias("mailgrains.SentRecord")]
internal sealed class SentRecord
{
    /// <summary>Of minutes.</summary>
    [Id(0)]
    public SentBucket[] Hour { get; set; } = [];

    /// <summary>Of quarters of an hour.</summary>
    [Id(1)]
    public SentBucket[] Day { get; set; } = [];
}

/// <param name="Number">How many buckets of this width fit between the year 1 and this one.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.SentBucket")]
internal readonly record struct SentBucket([property: Id(0)] long Number, [property: Id(1)] int Messages, [property: Id(2)] int Recipients);
