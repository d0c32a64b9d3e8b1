namespace MailGrains.Contracts;

/// <summary>
/// References to grains of one interface, for callers that take one a message. <c>GetGrain</c> looks through the interface's attributes by
/// reflection each time (10.4.2: some 5 µs); the type that it finds never changes, so here it is asked once.
/// </summary>
public sealed class GrainKind<TGrain>(IGrainFactory grains)
    where TGrain : IGrainWithStringKey
{
    private Types? _types;

    /// <exception cref="ArgumentException">No silo that has this kind of grain is known yet.</exception>
    public TGrain Of(string key)
    {
        var types = _types ??= Find(key);
        return (TGrain)grains.GetGrain(GrainId.Create(types.Grain, key), types.Interface);
    }

    private Types Find(string key)
    {
        var reference = (GrainReference)(object)grains.GetGrain<TGrain>(key);
        return new Types(reference.GrainId.Type, reference.InterfaceType);
    }

    private sealed record Types(GrainType Grain, GrainInterfaceType Interface);
}
