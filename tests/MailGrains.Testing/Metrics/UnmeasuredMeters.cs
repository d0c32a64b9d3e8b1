using System.Diagnostics.Metrics;

namespace MailGrains.Testing.Metrics;

/// <summary>Meters that nobody listens to.</summary>
public sealed class UnmeasuredMeters : IMeterFactory
{
    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        return new Meter(options);
    }

    public void Dispose()
    {
    }
}
