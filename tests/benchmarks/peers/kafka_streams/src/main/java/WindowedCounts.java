import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.state.WindowStore;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;

/**
 * Kafka Streams: counts by customer, channel and day in RocksDB with changelog topics, one thread, at least once.
 *
 * <p>Tumbling windows of a day on the time of the event, one for each channel, as the keys of the records are the
 * customers. What the record cache lets through at each commit (once a second) is written to Redis in pipelines.
 * Arguments: brokers, prefix, Redis URL, events, topics with commas.
 */
public final class WindowedCounts {
  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration LATEST = Duration.ofDays(30);
  private static final int PIPELINED = 1000;
  private static final ObjectReader JSON = new ObjectMapper().reader();

  private static long started;
  private static long seen;

  public static void main(String[] arguments) throws Exception {
    String prefix = arguments[1];
    URI url = URI.create(arguments[2]);
    long events = Long.parseLong(arguments[3]);
    CountDownLatch allSeen = new CountDownLatch(1);
    StreamsBuilder builder = new StreamsBuilder();
    for (String topic : arguments[4].split(",")) {
      String channel = topic.substring(prefix.length());
      builder.stream(topic, Consumed.with(Serdes.String(), Serdes.ByteArray()).withTimestampExtractor(
              (record, time) -> timeOf((byte[]) record.value())))
          .peek((customer, event) -> {
            if (++seen == events) {
              allSeen.countDown();
            }
          })
          .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
          .windowedBy(TimeWindows.ofSizeAndGrace(DAY, LATEST))
          .count(Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("counts-" + channel)
              .withRetention(LATEST.plus(DAY)))
          .toStream()
          .process(() -> new RedisWriter(prefix, channel, url));
    }
    Topology topology = builder.build();
    KafkaStreams streams = new KafkaStreams(topology, settings(arguments[0], prefix));
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return null;
    });
    streams.start();
    allSeen.await();
    // Commits, empties the cache into Redis, and closes the stores.
    streams.close();
    double seconds = (System.nanoTime() - started) / 1e9;
    System.out.printf(java.util.Locale.ROOT, "{\"events\": %d, \"seconds\": %.3f}%n", events, seconds);
    streams.cleanUp();
  }

  private static Properties settings(String brokers, String prefix) throws IOException {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "streams-" + System.nanoTime());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory("streams").toString());
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.String().getClass());
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    return settings;
  }

  private static long timeOf(byte[] event) {
    if (started == 0) {
      started = System.nanoTime();
    }
    try {
      JsonNode read = JSON.readTree(event);
      return Math.round(read.get("timestamp").asDouble() * 1000);
    } catch (IOException error) {
      throw new IllegalStateException(new String(event, StandardCharsets.UTF_8), error);
    }
  }

  /** Writes counts to Redis, a thousand at a time and whatever waits every 100 ms. */
  private static final class RedisWriter implements Processor<Windowed<String>, Long, Void, Void> {
    private final String prefix;
    private final String channel;
    private final Jedis client;
    private final Pipeline pipeline;
    private int waiting;

    RedisWriter(String prefix, String channel, URI url) {
      this.prefix = prefix;
      this.channel = channel;
      client = new Jedis(url);
      pipeline = client.pipelined();
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      context.schedule(Duration.ofMillis(100), PunctuationType.WALL_CLOCK_TIME, time -> write());
    }

    @Override
    public void process(Record<Windowed<String>, Long> record) {
      long day = record.key().window().start() / DAY.toMillis();
      pipeline.hset(prefix + record.key().key(), channel + ":" + day, Long.toString(record.value()));
      if (++waiting == PIPELINED) {
        write();
      }
    }

    private void write() {
      if (waiting > 0) {
        pipeline.sync();
        waiting = 0;
      }
    }

    @Override
    public void close() {
      write();
      client.close();
    }
  }

  private WindowedCounts() {}
}
