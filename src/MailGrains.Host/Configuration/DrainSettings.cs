namespace MailGrains.Host.Configuration;

/// <summary><c>MailGrains:Drain</c>: the times of a stop.</summary>
/// <param name="Notice">How long a process that is not ready any more still takes connections: until whoever sends them here has noticed.</param>
/// <param name="Limit">For the whole stop, the notice included.</param>
internal sealed record DrainSettings(TimeSpan Notice, TimeSpan Limit)
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan MostLimit = TimeSpan.FromHours(1);
    private static readonly TimeSpan MostSiloTime = TimeSpan.FromSeconds(45);

    /// <summary>For the silo, its relay first, to leave in order: taken from the end of <see cref="Limit"/>, whatever sessions do.</summary>
    public TimeSpan SiloTime => (Limit - Notice) / 2 is var half && half < MostSiloTime ? half : MostSiloTime;

    /// <summary>For sessions to end, before they are cut off.</summary>
    public TimeSpan SessionTime => Limit - Notice - SiloTime;

    /// <summary>Of <see cref="SiloTime"/>: for messages that are being sent to other servers.</summary>
    public TimeSpan RelayTime => SiloTime * 4 / 9;

    /// <exception cref="SettingsException">The notice leaves no time to stop.</exception>
    public static DrainSettings Read(SettingsReader settings)
    {
        var drain = new DrainSettings(
            settings.Time("Drain:Notice", TimeSpan.Zero, MostLimit), settings.Time("Drain:Limit", DefaultLimit, MostLimit));
        return drain.Notice < drain.Limit
            ? drain
            : throw SettingsReader.Wrong("Drain:Notice", drain.Notice.ToString(), $"less than {SettingsReader.Root}:Drain:Limit, {drain.Limit}");
    }
}
